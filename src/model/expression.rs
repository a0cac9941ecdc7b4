//! The language in which contacts are selected by their mailing groups.
//!
//! ```text
//! (MOVE OR GIFT) AND NOT OPTOUT      X* & !XMAS      kind = PERSON AND company = "C100"
//! ```
//!
//! | written | selects |
//! | --- | --- |
//! | `MOVE`, `move`, `"AND"` | the members of one group; quotes make a code of a reserved word |
//! | `X*`, `MOV?` | the members of any group whose code matches: `*` any run, `?` one character |
//! | `*` | every contact |
//! | `kind = PERSON`, `kind = COMPANY` | the contacts of one kind |
//! | `company = C100`, `company = "C100"` | the company and its people |
//! | `email = "ada@example.com"` | the contacts with this e-mail address |
//! | `segment("SPRING")` | the contacts of a stored segment |
//! | `territory = "CH"`, `city = "Gen*"` | the contacts whose attribute has the value, or matches |
//! | `language IN ("fr", "de")` | the contacts whose attribute has one of the values |
//! | `has language` | the contacts that have the attribute |
//! | `a != b` | `NOT a = b` |
//! | `NOT a`, `!a` | every contact that `a` does not select |
//! | `a AND b`, `a & b` | what both select |
//! | `a OR b`, `a \| b` | what either selects |
//!
//! `NOT` binds tightest, then `AND`, then `OR`; parentheses say otherwise. Words of the language
//! and codes may be written in any case, and so may e-mail addresses; ids are taken as written. A
//! quote inside quotes is doubled. Words without `=`, `!=`, `IN` or, for `segment`, `(`, are ordinary
//! codes, and so is `has` unless a word follows it.
//!
//! An expression is limited to [`MAX_BYTES`], [`MAX_DEPTH`] and [`MAX_OPERANDS`], so reading,
//! printing and evaluating one is always cheap.

mod attribute;
mod error;
mod evaluate;
mod hint;
mod lexer;
mod parser;
mod pattern;
mod print;
mod tree;
mod value;

#[cfg(test)]
mod tests;

use std::str::FromStr;

pub use attribute::{AttributeTest, ValueMatch, ValuePattern};
#[cfg(test)]
use error::ErrorKind;
pub(crate) use error::ExpressionError;
pub(crate) use pattern::Pattern;
pub use tree::{Node, Operand, Term};

/// The most bytes of UTF-8 an expression may have.
pub(crate) const MAX_BYTES: usize = 4096;

/// The deepest nesting of parentheses and `NOT`, counted together.
pub(crate) const MAX_DEPTH: usize = 64;

/// The most operands an expression may have.
pub(crate) const MAX_OPERANDS: usize = 256;

/// A selection expression that has been read and found well-formed.
///
/// Whether its groups, companies and segments exist is for the reader of [`operands`] to say.
/// Printing gives the canonical form: codes upper-case, operators as words, no parentheses but
/// those that are needed. To store an expression, store its [`text`]: the canonical form spells
/// `&` as ` AND ` and may so outgrow [`MAX_BYTES`].
///
/// [`operands`]: Expression::operands
/// [`text`]: Expression::text
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    text: String,
    root: Node,
}

impl Expression {
    /// The expression as its author wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The whole expression as a tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The operands from left to right, repetitions included.
    pub(crate) fn operands(&self) -> impl Iterator<Item = &Operand> {
        self.root.operands()
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    /// Reads an expression; the error says where and why it is not one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let root = parser::parse(text)?;
        Ok(Self {
            text: text.to_owned(),
            root,
        })
    }
}
