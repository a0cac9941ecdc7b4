//! The tests that docs/guarantees.md names exist, and `make test` runs them.

use std::{fs, path::Path, sync::LazyLock};

use regex::Regex;

use crate::support::source::{Source, sources};

static TEST: LazyLock<Regex> = LazyLock::new(|| {
    let attributes = r"#\[(?:tokio::)?test(?:\([^)]*\))?\]\s*(?<more>(?:#\[[^\]]*\]\s*)*)";
    Regex::new(&format!(r"{attributes}(?:async )?fn (?<name>\w+)\(")).unwrap()
});

/// The page, and the full names of the tests in it.
fn page() -> (String, Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guarantees.md");
    let text = fs::read_to_string(path).unwrap();
    let test = Regex::new(r"(?m)^- `(\w+(?:::\w+)+)`: \S").unwrap();
    let tests = test.captures_iter(&text).map(|it| it[1].to_owned());
    let tests = tests.collect();
    (text, tests)
}

/// The path of the module that a file is.
fn module(source: &Source) -> String {
    let path = source.path.strip_prefix("tests/service/");
    let path = path.or(source.path.strip_prefix("src/")).unwrap();
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    path.replace('/', "::")
}

/// The full names of all tests that are run by default.
fn tests() -> Vec<String> {
    let mut found = Vec::new();
    for source in sources(&["tests/service", "src"], "rs") {
        let module = module(&source);
        let inner = source.code.find("\nmod tests {");
        for test in TEST.captures_iter(&source.code) {
            if test["more"].contains("ignore") {
                continue;
            }
            let within = inner.is_some_and(|at| at < test.get(0).unwrap().start());
            let tests = if within { "::tests" } else { "" };
            found.push(format!("{module}{tests}::{}", &test["name"]));
        }
    }
    found
}

#[test]
fn every_named_test_exists() {
    let (_, named) = page();
    let tests = tests();
    assert!(named.len() > 50, "only {} tests were found", named.len());
    let missing: Vec<_> = named.iter().filter(|it| !tests.contains(it)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

#[test]
fn every_promise_has_a_test() {
    let (text, named) = page();
    let promises: Vec<_> = text.split("\n**").skip(1).collect();
    assert!(promises.len() > 20, "only {} promises", promises.len());
    for promise in &promises {
        assert!(promise.contains("\n\n- `"), "no test of: {promise}");
    }
    let items = text.lines().filter(|it| it.starts_with("- ")).count();
    assert_eq!(items, named.len(), "an item is not `test`: fault");
}

#[test]
fn ignored_and_nested_tests_are_told_apart() {
    let tests = tests();
    let has = |name: &str| tests.iter().any(|it| it == name);
    assert!(has("guarantees::every_promise_has_a_test"));
    assert!(has("fair_semaphore::tests::tenants_take_turns"));
    assert!(!has("peers::proxies::uploads_pass_nginx"));
}
