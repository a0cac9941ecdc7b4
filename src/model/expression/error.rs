//! What is wrong with a text that is not an expression.

use std::{
    borrow::Cow,
    error::Error,
    fmt::{self, Display, Formatter},
};

use unicode_normalization::char::is_combining_mark;

use super::lexer::{Token, TokenKind};

/// How much of an offending token a message repeats, in characters.
const SHOWN_CHARACTERS: usize = 24;

/// Where and why a text is not an expression.
///
/// It prints as one sentence for people, such as
/// `at position 12: expected a mailing group code, "(" or NOT, found ")"`; programs read the parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    kind: ErrorKind,
    position: usize,
    offending: Option<String>,
    expected: &'static str,
    hint: Option<Cow<'static, str>>,
}

/// The rule that a text breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub(crate) enum ErrorKind {
    /// Nothing but white space.
    Empty,
    /// More bytes than [`MAX_BYTES`](super::MAX_BYTES).
    TooLong,
    /// Nested more deeply than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// More operands than [`MAX_OPERANDS`](super::MAX_OPERANDS).
    TooManyOperands,
    /// Something stands where the language wants something else.
    Unexpected,
    /// A quote is opened and never closed.
    UnterminatedQuote,
    /// An operand that cannot be the code of a group, or match one.
    InvalidCode,
    /// A kind of contact that there is not.
    InvalidKind,
    /// A text that is not an e-mail address.
    InvalidEmail,
    /// A text that cannot be the id of a contact or segment.
    InvalidId,
    /// A text that cannot be the key of an attribute.
    InvalidKey,
    /// A text that cannot be the value of an attribute.
    InvalidValue,
}

impl ExpressionError {
    /// The token is not what is wanted here.
    pub(super) fn unexpected(token: &Token<'_>, expected: &'static str) -> Self {
        match token.kind {
            TokenKind::Unterminated => {
                Self::new(ErrorKind::UnterminatedQuote, token, "a closing \"")
            }
            _ => Self::new(ErrorKind::Unexpected, token, expected),
        }
    }

    /// The token breaks a rule.
    pub(super) fn new(kind: ErrorKind, token: &Token<'_>, expected: &'static str) -> Self {
        let offending = (token.kind != TokenKind::End).then(|| shorten(token.text));
        Self {
            kind,
            position: token.position,
            offending,
            expected,
            hint: None,
        }
    }

    /// Adds what the author probably meant or needs to know.
    pub(super) fn with_hint(mut self, hint: Option<impl Into<Cow<'static, str>>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    /// The rule that is broken.
    #[cfg(test)]
    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where: characters (Unicode scalar values) from the start of the text, from 1. The end of
    /// the expression is one after its last character.
    #[cfg(test)]
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// What stands there, shortened if it is long, as it was written; `end of expression` if the
    /// text ends too early.
    pub(crate) fn offending(&self) -> &str {
        self.offending.as_deref().unwrap_or("end of expression")
    }

    /// What should stand there, in words.
    #[cfg(test)]
    pub(crate) fn expected(&self) -> &str {
        self.expected
    }

    /// What the author probably meant or needs to know, if there is a guess.
    #[cfg(test)]
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl Error for ExpressionError {}

impl Display for ExpressionError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            position, expected, ..
        } = self;
        write!(f, "at position {position}: expected {expected}, found ")?;
        match &self.offending {
            None => f.write_str(self.offending())?,
            Some(text) if text.starts_with('"') => f.write_str(&visible(text))?,
            Some(text) => write!(f, "\"{}\"", visible(text))?,
        }
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The text with what cannot be seen escaped, so that a stray control character has a name.
/// An accent is seen where there is a letter to carry it.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let carried = is_combining_mark(character) && !shown.is_empty();
        if carried || matches!(character, '"' | '\'' | '\\') {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    shown
}
