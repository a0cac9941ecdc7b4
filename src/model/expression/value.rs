//! The rules for what an operand may contain: codes and ids.

use std::fmt::{self, Display, Formatter};

use super::{Pattern, Term};
use crate::model::{Code, InvalidValue};

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
pub(super) fn code(text: &str) -> Result<Code, Fault> {
    text.parse().map_err(|invalid| match invalid {
        InvalidValue::TooLong { length, .. } => Fault::TooLong(length),
        InvalidValue::Character { found, .. } => Fault::Character(found),
        InvalidValue::Blank | InvalidValue::Shape(_) => Fault::Blank,
    })
}

/// Whether a character may stand in the id of a contact or a segment.
pub(super) fn is_id_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | ':' | '-')
}
