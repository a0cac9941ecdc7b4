//! The rules of the source text that the compiler does not check: which layer imports which
//! (here), import cycles, the style of imports, `match` arms, SQL, names and sizes.
//!
//! Each rule has a list of exceptions, which is to become empty.

mod cycles;
mod imports;
mod kinds;
mod names;
mod sizes;
mod sql;
mod wire;

use regex::Regex;

use crate::support::source::{Source, assert_only, sources};

/// What each layer may import of the others, besides itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("database", &["config", "postgres", "store"]),
    (
        "config",
        &["auth", "client", "duration", "model", "server", "telemetry"],
    ),
    ("client", &["model", "pb", "duration"]),
    (
        "server",
        &[
            "api",
            "auth",
            "cpu",
            "metrics",
            "model",
            "pb",
            "reload",
            "telemetry",
            "fair_semaphore",
        ],
    ),
    ("auth", &["model", "reload", "telemetry"]),
    (
        "api",
        &[
            "domain",
            "metrics",
            "model",
            "pb",
            "telemetry",
            "fair_semaphore",
        ],
    ),
    (
        "domain",
        &[
            "cpu",
            "metrics",
            "store",
            "model",
            "telemetry",
            "fair_semaphore",
        ],
    ),
    (
        "store",
        &["metrics", "model", "schema", "telemetry", "fair_semaphore"],
    ),
    ("fair_semaphore", &["cpu"]),
    ("cpu", &[]),
    ("model", &["schema"]),
    ("schema", &[]),
    ("pb", &[]),
    ("postgres", &[]),
    ("reload", &["metrics"]),
    ("telemetry", &["metrics"]),
    ("metrics", &[]),
    ("init", &[]),
    ("greeting", &[]),
    ("listen", &[]),
    ("systemd", &[]),
    ("duration", &[]),
];

/// Files of the domain that name Diesel.
const DIESEL_IN_DOMAIN: &[&str] = &[];

/// The source files of the crate.
fn crate_sources() -> Vec<Source> {
    let found = sources(&["src"], "rs");
    assert!(found.len() > 50, "the sources are elsewhere");
    found
}

/// The layer that a file belongs to: `api` for `src/api.rs` and for all in `src/api/`.
fn layer(source: &Source) -> &str {
    let path = source.path.strip_prefix("src/").unwrap();
    let name = path.split('/').next().unwrap();
    name.strip_suffix(".rs").unwrap_or(name)
}

/// The layers that a file names, as `crate::layer` or in `use crate::{layer, …}`.
fn named(code: &str) -> Vec<String> {
    let mut layers = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let alone = at == 0 || !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = &code[at + found.len()..];
        if alone {
            layers.extend(heads(rest));
        }
    }
    layers
}

/// The first names of a path, or of each path of a group in braces.
fn heads(path: &str) -> Vec<String> {
    let word = |text: &str| {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
        text[..end.unwrap_or(text.len())].to_owned()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let (mut depth, mut start, mut found) = (0, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            _ if start && !c.is_whitespace() => {
                found.push(word(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    found
}

#[test]
fn imports_are_read_as_rust_reads_them() {
    let code = "use crate::{\n    domain::{Call, Domain},\n    model::Code,\n};\nlet a = crate::store::x();";
    assert_eq!(named(code), ["domain", "model", "store"]);
    assert_eq!(
        named("pub(crate) fn f() {} mycrate::api"),
        Vec::<String>::new()
    );
}

#[test]
fn every_file_is_in_a_layer() {
    let sources = crate_sources();
    let layers = sources.iter().map(layer);
    let in_none = layers
        .filter(|it| !["lib", "main"].contains(it) && !LAYERS.iter().any(|(name, _)| name == it));
    assert_eq!(in_none.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for source in crate_sources() {
        let layer = layer(&source);
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            continue;
        };
        for other in named(&source.code) {
            let is_layer = LAYERS.iter().any(|(name, _)| *name == other);
            if is_layer && other != layer && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{} imports {other}", source.path));
            }
        }
    }
    assert_only(wrong, &[]);
}

/// Files outside `layers` whose code contains the pattern.
fn mentions(layers: &[&str], pattern: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    let sources = crate_sources().into_iter();
    sources
        .filter(|it| !layers.contains(&layer(it)) && pattern.is_match(&it.code))
        .map(|it| it.path)
        .collect()
}

#[test]
fn only_the_outer_layers_use_tonic() {
    let wire = ["api", "server", "client"];
    assert_only(mentions(&wire, r"\btonic"), &[]);
    // `pb` holds the generated code.
    let messages = ["api", "server", "client", "pb"];
    assert_only(mentions(&messages, r"\bprost|\bpb::"), &[]);
}

#[test]
fn the_domain_does_not_use_diesel() {
    let outside: Vec<_> = LAYERS.iter().map(|(name, _)| *name).collect();
    let outside: Vec<_> = outside.into_iter().filter(|it| *it != "domain").collect();
    let found = mentions(&outside, r"\bdiesel(_async)?\b");
    assert_only(found, DIESEL_IN_DOMAIN);
}

#[test]
fn only_the_store_writes_queries() {
    let queries = r"RunQueryDsl|QueryDsl|sql_query|diesel::(insert_into|update|delete)";
    // The entities of the model are rows of the tables and name them.
    let found = mentions(&["store", "model"], &format!("{queries}|crate::schema"));
    assert_only(found, &[]);
    assert_only(mentions(&["store", "api", "domain"], queries), &[]);
}

#[test]
fn the_model_is_synchronous() {
    let others = [
        "api",
        "domain",
        "store",
        "server",
        "auth",
        "client",
        "database",
        "main",
        "postgres",
        "config",
        "telemetry",
        "init",
        "listen",
        "reload",
        "systemd",
        "lib",
        "cpu",
        "fair_semaphore",
    ];
    assert_only(mentions(&others, r"async fn|tokio|\.await"), &[]);
}
