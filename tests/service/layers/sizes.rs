//! A file is read as a whole, so it is short.

use std::{fs, path::Path};

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

#[test]
fn the_readme_is_short() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    assert!(text.unwrap().lines().count() <= 200);
}
