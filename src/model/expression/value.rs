//! The rules for what an operand may contain: codes and ids.

use std::fmt::{self, Display, Formatter};

use super::{Pattern, Term};
use crate::model::{Code, InvalidValue};

/// Why a text is not a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InvalidCode {
    Blank,
    TooLong(usize),
    PatternTooLong(usize),
    Character(char),
}

impl Display for InvalidCode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("it is blank"),
            Self::TooLong(length) => write!(f, "it has {length} characters"),
            Self::PatternTooLong(length) => write!(f, "it needs {length} characters"),
            Self::Character(character) => {
                write!(f, "{character:?} is neither a letter nor a digit")
            }
        }
    }
}

/// What an unquoted word selects: `*` everyone, a word with wildcards the groups that match,
/// any other word the group of that code.
pub(super) fn word(text: &str) -> Result<Term, InvalidCode> {
    if text.chars().all(|character| character == '*') {
        Ok(Term::Everyone)
    } else if text.contains(['*', '?']) {
        Pattern::read(text).map(Term::Pattern)
    } else {
        code(text).map(Term::Code)
    }
}

/// A code in its stored form.
pub(super) fn code(text: &str) -> Result<Code, InvalidCode> {
    text.parse().map_err(|invalid| match invalid {
        InvalidValue::TooLong { length, .. } => InvalidCode::TooLong(length),
        InvalidValue::Character { found, .. } => InvalidCode::Character(found),
        InvalidValue::Blank | InvalidValue::Shape(_) => InvalidCode::Blank,
    })
}

/// Whether a character may stand in the id of a contact or a segment.
pub(super) fn is_id_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | ':' | '-')
}
