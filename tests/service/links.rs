//! The links of the Markdown documents are valid.

use std::{fs, path::Path, sync::LazyLock};

use regex::Regex;

static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\]\(([^)\s]+)\)").unwrap());

/// The Markdown documents, relative to the project.
fn documents() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &str| {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names = names.filter(|name| name.ends_with(".md"));
        names
            .map(|name| format!("{folder}{name}"))
            .collect::<Vec<_>>()
    };
    [names(""), names("docs/"), names("deploy/kubernetes/")].concat()
}

/// The anchors of a document, as GitHub makes them of its headings.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

/// Why a link of `document` is broken.
fn fault(document: &str, link: &str) -> Option<String> {
    if link.starts_with("https://") {
        return None;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => root.join(document),
        path => root.join(document).parent().unwrap().join(path),
    };
    if !target.exists() {
        return Some(format!("{document}: {link} does not exist"));
    }
    let found = anchor.is_empty()
        || anchors(&fs::read_to_string(&target).unwrap()).contains(&anchor.to_owned());
    (!found).then(|| format!("{document}: {link} has no such heading"))
}

#[test]
fn links_in_documents_are_valid() {
    let (mut faults, mut links) = (Vec::new(), 0);
    for document in documents() {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&document));
        for link in LINK.captures_iter(&text.unwrap()) {
            links += 1;
            faults.extend(fault(&document, &link[1]));
        }
    }
    assert!(links > 10, "only {links} links were found");
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn a_broken_link_is_found() {
    assert!(fault("README.md", "docs/nothing.md").is_some());
    assert!(fault("README.md", "docs/architecture.md#nothing").is_some());
    assert!(fault("README.md", "docs/architecture.md#what-holds").is_none());
    assert!(fault("docs/tour.md", "../README.md").is_none());
}

#[test]
fn the_readme_is_short() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    assert!(text.unwrap().lines().count() <= 200);
}
