//! What people see: results on stdout, everything else on stderr.

use std::io::{self, Write};

use super::error::Error;

/// Prints a line of a long output to stdout.
pub(super) fn print_or_stop(line: impl std::fmt::Display) -> Result<(), Error> {
    writeln!(io::stdout(), "{line}").map_err(|it| Error::write("standard output", it))
}

/// Prints a result to stdout. It is no failure if stdout is closed: the work is done.
pub(super) fn print(text: &str) -> Result<(), Error> {
    match print_or_stop(text) {
        Err(Error::OutputClosed) => Ok(()),
        printed => printed,
    }
}

/// Prints a line to stderr, which may be closed.
pub(super) fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A number with its noun, such as `1 company` or `2 companies`.
pub(super) fn pluralize(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
