//! SQL: kinds by their names, and long statements in files of their own.

use regex::Regex;

use super::crate_sources;
use crate::support::source::{assert_only, sources};

/// Files with SQL that writes a kind as its number.
const NUMBERS_OF_KINDS: &[&str] = &[];

/// Files with statements that belong into `src/store/sql`.
const LONG_STATEMENTS: &[&str] = &[];

/// Files that compare a column with a sub-select, which is no array.
const SUB_SELECTS: &[&str] = &["src/store/contacts/list.rs"];

/// The longest statement in a Rust file, in lines.
const MAX_LINES: usize = 8;

#[test]
fn sql_names_kinds() {
    let number = Regex::new(r"(?i)\bkind\s*(=|<>|!=|(NOT\s+)?IN\b)\s*\(?\s*\d").unwrap();
    let mut files = crate_sources();
    files.extend(sources(&["src"], "sql"));
    let found = files.into_iter().filter(|it| {
        let strings = it.strings();
        let texts = if it.path.ends_with(".sql") {
            vec![it.text.as_str()]
        } else {
            strings
        };
        texts.iter().any(|text| number.is_match(text))
    });
    assert_only(found.map(|it| it.path), NUMBERS_OF_KINDS);
}

#[test]
fn long_statements_are_files() {
    let statement = Regex::new(r"\b(SELECT|INSERT|UPDATE|DELETE|WITH)\b").unwrap();
    let sources = crate_sources();
    let found = sources.iter().filter(|it| {
        let mut strings = it.strings().into_iter();
        strings.any(|text| statement.is_match(text) && text.trim().lines().count() > MAX_LINES)
    });
    assert_only(found.map(|it| it.path.clone()), LONG_STATEMENTS);
}

/// The planner sees how many values the array of `eq_any` has: for thousands it may read all rows of a
/// tenant. `store::sql::from_keys` looks each up by itself.
#[test]
fn arrays_are_hidden_from_the_planner() {
    let found = sources(&["src/store"], "rs");
    let found = found.into_iter().filter(|it| it.text.contains(".eq_any("));
    assert_only(found.map(|it| it.path), SUB_SELECTS);
}
