//! The source text of the project, for the checks that read it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use regex::{Captures, Regex};

/// Comments and literals of Rust.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    let comments = r"//[^\n]*|/\*(?s:.*?)\*/";
    let strings = r##"\bb?r#"(?s:.*?)"#|\bb?r"[^"]*"|b?"(?s:\\.|[^"\\])*""##;
    let chars = r"'(?:\\[^\n']+|[^'\\\n])'";
    Regex::new(&format!(
        "(?<comment>{comments})|(?<string>{strings})|{chars}"
    ))
    .unwrap()
});

/// One file.
pub(crate) struct Source {
    /// The path from the root of the project, such as `src/api/token.rs`.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
    /// The text without comments.
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let blank = |found: &Captures<'_>| match found.name("comment") {
            Some(_) => String::new(),
            None => found[0].to_owned(),
        };
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: TOKEN.replace_all(text, blank).into_owned(),
        }
    }

    /// The code without the unit tests, which stand at the end of a file.
    pub(crate) fn without_tests(&self) -> &str {
        if self.path.ends_with("/tests.rs") || self.path.contains("/tests/") {
            return "";
        }
        self.code.split("#[cfg(test)]\nmod ").next().unwrap()
    }

    /// The string literals outside the unit tests, as they are written.
    pub(crate) fn strings(&self) -> Vec<&str> {
        let tokens = TOKEN.captures_iter(self.without_tests());
        let strings = tokens.filter_map(|it| it.name("string"));
        strings.map(|it| content(it.as_str())).collect()
    }

    /// The code with empty string literals, so that each bracket is one of Rust.
    pub(crate) fn bare(&self) -> String {
        let empty = |found: &Captures<'_>| match found.name("string") {
            Some(_) => "\"\"",
            None => "' '",
        };
        TOKEN.replace_all(&self.code, empty).into_owned()
    }
}

/// What stands between the quotes of a literal.
fn content(literal: &str) -> &str {
    let inner = literal.trim_start_matches(['b', 'r', '#']);
    inner.trim_end_matches('#').trim_matches('"')
}

/// The files below these folders whose name ends with `.` and `extension`.
pub(crate) fn sources(folders: &[&str], extension: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                found.push(Source::new(name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "no .{extension} in {folders:?}");
    found
}

/// Fails the test unless the offenders are exactly the exceptions: a new one is a mistake, and an
/// exception without an offender has to be removed from its list.
pub(crate) fn assert_only(offenders: impl IntoIterator<Item = String>, exceptions: &[&str]) {
    let offenders: BTreeSet<String> = offenders.into_iter().collect();
    let exceptions: BTreeSet<String> = exceptions.iter().map(|&it| it.to_owned()).collect();
    let new: Vec<_> = offenders.difference(&exceptions).collect();
    let obsolete: Vec<_> = exceptions.difference(&offenders).collect();
    assert!(
        new.is_empty() && obsolete.is_empty(),
        "offenders: {new:#?}\nexceptions to remove: {obsolete:#?}"
    );
}

#[test]
fn comments_are_removed_and_literals_are_kept() {
    let text = "let url = \"http://x\"; // a \"note\"\nlet c = '\"'; /* b */ f::<'a>(r#\"x\"y\"#)";
    let source = Source::new("a.rs", text);
    let code = "let url = \"http://x\"; \nlet c = '\"';  f::<'a>(r#\"x\"y\"#)";
    assert_eq!(source.code, code);
    assert_eq!(source.strings(), ["http://x", "x\"y"]);
    let bare = "let url = \"\"; \nlet c = ' ';  f::<'a>(\"\")";
    assert_eq!(source.bare(), bare);
}
