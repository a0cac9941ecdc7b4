//! No modules import each other in a cycle: neither in `src` nor in `benches`. Read from the text,
//! as far as that goes: paths that begin with `crate::`, `self::` or `super::`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::LazyLock,
};

use regex::Regex;

use crate::support::source::{assert_only, sources};

/// A module, as the names on the way to it.
type Module = Vec<String>;

/// Cycles that are to be removed, as their modules.
const CYCLES: &[&str] = &[];

/// Modules with their text, comments left out.
type Sources = BTreeMap<Module, String>;

static PATH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:crate|self|super)::").unwrap());

/// The module of a file: `a/b.rs` and `a/b/mod.rs` are `a::b`, `lib.rs` and `main.rs` the root.
fn module(path: &Path) -> Module {
    let names = path.with_extension("");
    let names = names.iter().map(|name| name.to_str().unwrap().to_owned());
    let mut names: Module = names.collect();
    names.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    names
}

fn modules(folder: &str) -> Sources {
    let mut found = Sources::new();
    for source in sources(&[folder], "rs") {
        let path = source.path.strip_prefix(folder).unwrap();
        let module = module(Path::new(path.trim_start_matches('/')));
        found.entry(module).or_default().push_str(&source.code);
    }
    found
}

/// The paths that a tree of imports names, such as `a::{b, c::d}`.
fn paths(tree: &str) -> Vec<Vec<String>> {
    let (mut found, mut open, mut path) = (Vec::new(), Vec::new(), Vec::new());
    let mut word = String::new();
    for c in tree.chars() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            path.push(std::mem::take(&mut word));
        }
        match c {
            ':' => {}
            '{' => open.push(path.clone()),
            ',' | '}' => {
                found.push(path);
                let Some(outer) = open.last() else {
                    return found;
                };
                path = outer.clone();
                if c == '}' {
                    open.pop();
                }
            }
            _ if open.is_empty() => break,
            _ => {}
        }
        if c == '}' && open.is_empty() {
            return found;
        }
    }
    found.push(path);
    found
}

/// The modules that a module imports, except those that contain it: their items are shared by
/// those within.
fn imported(sources: &Sources, from: &Module) -> BTreeSet<Module> {
    let code = &sources[from];
    let mut modules = BTreeSet::new();
    for root in PATH.find_iter(code) {
        let before = &code[..root.start()];
        if before.ends_with("::") {
            continue;
        }
        for path in paths(&code[root.start()..]) {
            let mut target = match path.first().map(String::as_str) {
                Some("crate") => Module::new(),
                _ => from.clone(),
            };
            for name in path {
                match name.as_str() {
                    "super" => drop(target.pop()),
                    "crate" | "self" => {}
                    _ => target.push(name),
                }
            }
            while !target.is_empty() && !sources.contains_key(&target) {
                target.pop();
            }
            if !from.starts_with(&target) {
                modules.insert(target);
            }
        }
    }
    modules
}

/// Modules that are on a cycle, in groups.
fn cycles(sources: &Sources) -> BTreeSet<String> {
    let edges: BTreeMap<_, _> = sources
        .keys()
        .map(|from| (from, imported(sources, from)))
        .collect();
    let reached = |from: &Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            for next in &edges[module] {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<_, _> = sources.keys().map(|from| (from, reached(from))).collect();
    let cycle = |module: &Module| {
        let back = |other: &&&Module| reached[**other].contains(module);
        let others = reached[module].iter().filter(back);
        let names: Vec<_> = others.map(|other| other.join("::")).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    sources.keys().filter_map(cycle).collect()
}

fn of(files: &[(&str, &str)]) -> BTreeSet<String> {
    let module = |(path, code): &(&str, &str)| (module(Path::new(path)), (*code).to_owned());
    cycles(&files.iter().map(module).collect())
}

#[test]
fn a_cycle_is_found() {
    let found = BTreeSet::from(["support::figures, support::report".to_owned()]);
    let figures = "let text = super::report::time(x);";
    let report = "use super::figures::{Figures, spread};";
    let files = [
        ("support/mod.rs", ""),
        ("support/figures.rs", figures),
        ("support/report.rs", report),
    ];
    assert_eq!(of(&files), found);
    let found = BTreeSet::from(["a, b, b::c".to_owned()]);
    let files = [
        ("a.rs", "use crate::{\n    b::{self, X},\n    d::Y,\n};"),
        ("b.rs", "use self::c::Z;"),
        ("b/c.rs", "use super::super::a::X;"),
        ("d.rs", ""),
    ];
    assert_eq!(of(&files), found);
}

#[test]
fn an_import_from_an_enclosing_module_is_no_cycle() {
    let files = [
        ("a.rs", "use self::b::X;"),
        ("a/b.rs", "use super::Y;\nuse crate::c::Z;"),
        ("c.rs", ""),
    ];
    assert_eq!(of(&files), BTreeSet::new());
}

#[test]
fn the_benchmarks_have_no_import_cycles() {
    assert_eq!(cycles(&modules("benches")), BTreeSet::new());
}

#[test]
fn the_crate_has_no_import_cycles() {
    assert_only(cycles(&modules("src")), CYCLES);
}
