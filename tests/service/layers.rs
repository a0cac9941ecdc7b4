//! The layers of the crate, what each may import. Read from the text, as far as
//! that goes.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What each layer may import of the others, besides itself.
const LAYERS: [(&str, &[&str]); 14] = [
    ("database", &["config", "postgres", "store"]),
    ("config", &["client", "duration", "server", "telemetry"]),
    ("client", &["model", "pb", "duration", "grpc_code"]),
    ("server", &["api", "model", "pb", "grpc_code"]),
    ("api", &["domain", "model", "pb", "grpc_code"]),
    ("domain", &["store", "model"]),
    ("store", &["model", "schema"]),
    ("model", &["schema"]),
    ("schema", &[]),
    ("pb", &[]),
    ("postgres", &[]),
    ("telemetry", &[]),
    ("duration", &[]),
    ("grpc_code", &[]),
];

/// The source files of the crate with their text, comments left out.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                let code = code.collect::<Vec<_>>().join("\n");
                found.push((path.strip_prefix(&root).unwrap().to_owned(), code));
            }
        }
    }
    assert!(found.len() > 50, "the sources are elsewhere");
    found
}

/// The layer that a file belongs to: `api` for `api.rs` and for all in `api/`.
fn layer(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str();
    let name = first.to_str().unwrap();
    name.strip_suffix(".rs").unwrap_or(name).to_owned()
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
    let of_none = sources().into_iter().map(|(path, _)| layer(&path));
    let outer = ["lib", "main"];
    let of_none = of_none
        .filter(|it| !outer.contains(&it.as_str()) && !LAYERS.iter().any(|(name, _)| name == it));
    assert_eq!(of_none.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        let layer = layer(&path);
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            continue;
        };
        for other in named(&code) {
            let is_layer = LAYERS.iter().any(|(name, _)| *name == other);
            if is_layer && other != layer && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{} imports {other}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Files outside `layers` that mention one of `words`.
fn mentions(layers: &[&str], words: &[&str]) -> Vec<String> {
    let outside = sources()
        .into_iter()
        .filter(|(path, _)| !layers.contains(&layer(path).as_str()));
    outside
        .filter_map(|(path, code)| {
            let word = words.iter().find(|word| code.contains(**word))?;
            Some(format!("{} mentions {word}", path.display()))
        })
        .collect()
}

#[test]
fn only_the_outer_layers_use_tonic() {
    // `pb` holds the generated code.
    let wire = ["api", "server", "client", "grpc_code", "pb"];
    let found = mentions(&wire, &["tonic", "prost", "pb::"]);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn only_the_store_writes_queries() {
    let queries = [
        "RunQueryDsl",
        "QueryDsl",
        "sql_query",
        "diesel::insert_into",
        "diesel::update",
        "diesel::delete",
        "crate::schema",
    ];
    // The entities of the model are rows of the tables, and say so.
    let found = mentions(&["store", "model"], &queries);
    assert_eq!(found, Vec::<String>::new());
    let model = mentions(&["store", "api", "domain"], &queries[..6]);
    assert_eq!(model, Vec::<String>::new());
}

#[test]
fn the_model_is_synchronous() {
    let others = [
        "api", "domain", "store", "server", "client", "database", "main", "postgres",
    ];
    let waiting = mentions(
        &[&others[..], &["config", "telemetry", "lib"]].concat(),
        &["async fn", "tokio", ".await"],
    );
    assert_eq!(waiting, Vec::<String>::new());
}
