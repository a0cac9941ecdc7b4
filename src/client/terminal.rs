//! What people see: results on stdout, everything else on stderr.

use std::io::{self, Write};

use super::error::Error;

/// Prints a result line to stdout. A reader that has left is no failure.
pub(super) fn print(text: &str) -> Result<(), Error> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::file("write", "standard output", error))
        }
        _ => Ok(()),
    }
}

/// Prints a line to stderr. Where nobody reads it, nothing is lost.
pub(super) fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A number with its noun, such as `1 company` or `2 companies`.
pub(super) fn pluralize(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
