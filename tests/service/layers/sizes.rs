//! A file is read as a whole, so it is short.

use crate::support::source::{assert_only, sources};

/// The longest file, in lines.
const MAX_LINES: usize = 300;

/// Generated files.
const GENERATED: [&str; 1] = ["src/schema.rs"];

#[test]
fn files_are_short() {
    let found = sources(&["src", "tests", "benches"], "rs").into_iter();
    let found = found.filter(|it| it.text.lines().count() > MAX_LINES);
    let found = found.filter(|it| !GENERATED.contains(&it.path.as_str()));
    assert_only(found.map(|it| it.path), &[]);
}
