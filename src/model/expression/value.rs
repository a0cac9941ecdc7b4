//! The rules for what an operand may contain: codes and ids.

use std::fmt::{self, Display, Formatter};

use unicode_normalization::UnicodeNormalization;

use super::{Pattern, Term};

/// The most characters of a mailing group's code.
pub(super) const MAX_CODE_CHARACTERS: usize = 11;

/// The most characters of a contact's or a segment's id.
const MAX_ID_CHARACTERS: usize = 64;

/// Why a text is not a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Blank,
    TooLong(usize),
    TooDemanding(usize),
    Character(char),
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("it is blank"),
            Self::TooLong(length) => write!(f, "it has {length} characters"),
            Self::TooDemanding(length) => write!(f, "it needs {length} characters"),
            Self::Character(character) => {
                write!(f, "{character:?} is neither a letter nor a digit")
            }
        }
    }
}

/// What an unquoted word selects: `*` everyone, a word with wildcards the groups that match,
/// any other word the group of that code.
pub(super) fn word(text: &str) -> Result<Term, Fault> {
    if text.chars().all(|character| character == '*') {
        Ok(Term::Everyone)
    } else if text.contains(['*', '?']) {
        Pattern::read(text).map(Term::Pattern)
    } else {
        code(text).map(Term::Code)
    }
}

/// A code in its stored form.
pub(super) fn code(text: &str) -> Result<String, Fault> {
    let code = normalise(text);
    match code.chars().count() {
        0 => return Err(Fault::Blank),
        length if length > MAX_CODE_CHARACTERS => return Err(Fault::TooLong(length)),
        _ => (),
    }
    match code.chars().find(|character| !character.is_alphanumeric()) {
        Some(character) => Err(Fault::Character(character)),
        None => Ok(code),
    }
}

/// Trimmed, upper-case, Unicode NFC. Composed before it is raised, because some accented letters
/// rise only as a whole, and after, because raising may decompose.
pub(super) fn normalise(text: &str) -> String {
    let composed: String = text.trim().nfc().collect();
    composed.to_uppercase().nfc().collect()
}

/// An id of a contact or segment: 1 to 64 of `A-Z a-z 0-9 . _ : -`, taken as written.
pub(super) fn id(text: String) -> Option<String> {
    let fits = (1..=MAX_ID_CHARACTERS).contains(&text.len());
    (fits && text.chars().all(is_id_character)).then_some(text)
}

pub(super) fn is_id_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | ':' | '-')
}
