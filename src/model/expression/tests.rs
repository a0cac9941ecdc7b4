//! The language, by example and by property.
#![expect(clippy::unwrap_used, reason = "a test may")]

mod errors;
mod evaluation;
mod grammar;
mod limits;
mod patterns;
mod properties;

use super::Expression;

/// Reads a text that is an expression.
fn read(text: &str) -> Expression {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}
