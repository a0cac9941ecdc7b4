//! The domain does not name the fields of messages: `api` knows the paths of the API.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use super::{crate_sources, layer};
use crate::support::source::{assert_only, sources};

/// Files of the domain that name fields of messages, with the field.
const FIELDS_IN_DOMAIN: &[&str] = &[];

static INTERPOLATION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{[^}]*\}").unwrap());

/// The names of all fields of the API.
fn fields() -> BTreeSet<String> {
    let field = Regex::new(r"(?m)^\s+(?:optional |repeated )?[\w.<>, ]+ (\w+) = \d+\b").unwrap();
    let files = sources(&["proto"], "proto");
    let texts = files
        .iter()
        .flat_map(|file| field.captures_iter(&file.code));
    texts.map(|found| found[1].to_owned()).collect()
}

/// Whether a text is the path of a field or the beginning of one, such as `before.` or `actions[`.
fn is_path(text: &str, fields: &BTreeSet<String>) -> bool {
    let text = INTERPOLATION.replace_all(text, "");
    let names = text.split(['.', '[', ']']).filter(|it| !it.is_empty());
    let mut names = names.peekable();
    names.peek().is_some() && names.all(|name| fields.contains(name))
}

#[test]
fn the_domain_names_no_fields_of_messages() {
    let (fields, names) = (fields(), Regex::new(r#"#\[error\(\s*"[^"]*""#).unwrap());
    assert!(fields.contains("merged_id"));
    let mut found = Vec::new();
    for source in crate_sources() {
        if layer(&source) != "domain" {
            continue;
        }
        // The text of an error may be the word that a field has as its name.
        let texts: Vec<_> = names
            .find_iter(&source.code)
            .map(|it| it.as_str())
            .collect();
        let paths = source.strings().into_iter().filter(|text| {
            let of_error = texts.iter().any(|it| it.ends_with(&format!("\"{text}\"")));
            !of_error && is_path(text, &fields)
        });
        found.extend(paths.map(|path| format!("{}: {path}", source.path)));
    }
    assert_only(found, FIELDS_IN_DOMAIN);
}
