//! What people see: results on stdout, everything else on stderr.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
};

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

/// Whether stdout is a file: then nothing shows how far a long output has come.
pub(super) fn prints_to_file() -> bool {
    let stdout = io::stdout().as_fd().try_clone_to_owned();
    let metadata = stdout.and_then(|it| File::from(it).metadata());
    metadata.is_ok_and(|it| it.is_file())
}

/// Prints a line to stderr, which may be closed.
pub(super) fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A number with its noun, such as `1 company` or `2 companies`.
pub(super) fn pluralize(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Foreign text for a message: short, and without control characters.
pub(super) fn excerpt(text: &str) -> String {
    const LENGTH: usize = 40;
    let mut shown = String::new();
    for c in text.chars().take(LENGTH) {
        match c {
            '\'' | '"' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(LENGTH).is_some() {
        shown.push('…');
    }
    shown
}

/// The first of many names, for a message.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const COUNT: usize = 20;
    let mut names: Vec<_> = names.into_iter().collect();
    let more = names.len().saturating_sub(COUNT);
    names.truncate(COUNT);
    let names = names.join(", ");
    match more {
        0 => names,
        _ => format!("{names} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_short_and_has_no_control_characters() {
        assert_eq!(excerpt("Zoë's \"x\""), "Zoë's \"x\"");
        assert_eq!(excerpt("a\u{1b}[31m\n"), "a\\u{1b}[31m\\n");
        assert_eq!(excerpt(&"x".repeat(41)), format!("{}…", "x".repeat(40)));
        assert_eq!(list(["a", "b"]), "a, b");
        assert!(list(vec!["a"; 22]).ends_with(", a and 2 more"));
    }
}
