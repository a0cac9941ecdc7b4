//! A `match` over an enum of kinds names each of them, so that the compiler finds all places when
//! one is added.

use regex::Regex;

use super::crate_sources;
use crate::support::source::assert_only;

/// Files with a `_` arm beside arms that name kinds.
const CATCH_ALL: &[&str] = &[];

/// The patterns of the arms of a `match`, from the text after its opening brace.
fn patterns(body: &str) -> Vec<String> {
    let (mut depth, mut pattern, mut found) = (0, String::new(), Vec::new());
    let mut in_pattern = true;
    for (at, c) in body.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' if depth == 0 => break,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        let arm = in_pattern && depth == 0 && body[at..].starts_with("=>");
        if arm {
            found.push(pattern.trim().to_owned());
            in_pattern = false;
        }
        if depth == 0 && (c == ',' || c == '}') && !in_pattern {
            in_pattern = true;
            pattern.clear();
        } else if in_pattern {
            pattern.push(c);
        }
    }
    found
}

/// Whether some `match` of the code has a `_` arm beside an arm that names a kind.
fn catches_all(code: &str) -> bool {
    let head = Regex::new(r"\bmatch [^{};]*\{").unwrap();
    let kind =
        Regex::new(r"\b(ChangeKind|ContactKind|ActionKind|ImportKind|ErrorReason)::").unwrap();
    head.find_iter(code).any(|found| {
        let patterns = patterns(&code[found.end()..]);
        patterns.iter().any(|it| it == "_") && patterns.iter().any(|it| kind.is_match(it))
    })
}

#[test]
fn a_match_over_kinds_has_no_catch_all() {
    let sources = crate_sources();
    let found = sources.iter().filter(|it| catches_all(&it.bare()));
    assert_only(found.map(|it| it.path.clone()), CATCH_ALL);
}

#[test]
fn a_catch_all_is_found() {
    let code = "match a.kind(1) {\n A::B { c } => f(|_| {}),\n Some(ActionKind::C) => {}\n";
    assert!(catches_all(&format!("{code} _ => g(),\n}}")));
    assert!(!catches_all(&format!("{code} Some(_) => g(),\n}}")));
    assert!(!catches_all(
        "match a { A::B => ActionKind::C, _ => ActionKind::D }"
    ));
}
