//! The style of imports: one `use` for each root and visibility; the standard library, then other
//! crates, then this crate, with a blank line between.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use crate::support::source::{Source, assert_only, sources};

/// Files whose imports are in another order: rustfmt sorts the public ones of `self` first.
const DISORDERED: &[&str] = &["src/store/log.rs"];

static USE: LazyLock<Regex> = LazyLock::new(|| {
    let visibility = r"(?<visibility>(?:pub(?:\([a-z ]+\))? )?)";
    Regex::new(&format!(
        r"(?m)^(?<indent> *){visibility}use (?<root>\w+)[^;]*;\n"
    ))
    .unwrap()
});

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Standard,
    External,
    Crate,
}

fn group(root: &str, code: &str) -> Group {
    let is_child = Regex::new(&format!(r"(?m)^(?:pub(?:\([a-z ]+\))? )?mod {root};"));
    match root {
        "std" | "core" | "alloc" => Group::Standard,
        "crate" | "self" | "super" => Group::Crate,
        _ if is_child.unwrap().is_match(code) => Group::Crate,
        _ => Group::External,
    }
}

/// Whether each run of imports in the code is in order.
fn in_order(code: &str) -> bool {
    let (mut end, mut seen, mut last) = (0, BTreeSet::new(), None);
    for found in USE.captures_iter(code) {
        let whole = found.get(0).unwrap();
        let group = group(&found["root"], code);
        let between = &code[end..whole.start()];
        if end == 0 || !between.trim().is_empty() {
            seen.clear();
            last = None;
        }
        let key = (found["visibility"].to_owned(), found["root"].to_owned());
        let ordered = last.is_none_or(|last| last <= group);
        let separated = last.is_none_or(|last| (last != group) == between.contains('\n'));
        if !seen.insert(key) || !ordered || !separated {
            return false;
        }
        (end, last) = (whole.end(), Some(group));
    }
    true
}

#[test]
fn imports_are_in_order() {
    let found = sources(&["src", "tests", "benches"], "rs").into_iter();
    let found = found.filter(|it| !in_order(&it.code));
    assert_only(found.map(|it| it.path), DISORDERED);
}

#[test]
fn a_disorder_is_found() {
    let ordered = |text: &str| in_order(&Source::new("a.rs", text).code);
    assert!(ordered(
        "use std::fs;\n\nuse regex::Regex;\n\nuse self::b::C;\nuse crate::{\n    a,\n};\n"
    ));
    assert!(ordered(
        "use crate::a;\npub use crate::b;\n\nfn f() {\n    use crate::b;\n}\n"
    ));
    for text in [
        "use crate::a;\nuse crate::b;\n",
        "use regex::Regex;\n\nuse std::fs;\n",
        "use std::fs;\nuse regex::Regex;\n",
        "use std::fs;\n\nuse std::io;\n",
        "use regex::Regex;\n\nuse tokio::fs;\n",
        "mod a;\n\nuse a::B;\nuse regex::Regex;\n",
    ] {
        assert!(!ordered(text), "{text}");
    }
}
