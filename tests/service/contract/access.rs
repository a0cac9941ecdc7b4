//! Each RPC says what its caller must be allowed to do, and docs/operations.md repeats it.

use std::{collections::BTreeMap, fs, path::Path};

use mailing_groups::pb::{Access, method_access};
use prost_types::method_options::IdempotencyLevel;

use super::{PACKAGE, files};

/// The calls of each row of the table in the section "Access".
fn documented() -> BTreeMap<String, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/operations.md")).unwrap();
    let section = text.split("\n### Access\n").nth(1).unwrap();
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter(|it| it.starts_with("| `"));
    let row = |line: &str| {
        let words = line.split('`').skip(1).step_by(2).map(str::to_owned);
        let words: Vec<String> = words.collect();
        (words[0].clone(), words[1..].to_vec())
    };
    rows.map(row).collect()
}

#[test]
fn every_rpc_needs_access_that_fits_it() {
    let access: BTreeMap<_, _> = method_access().collect();
    let mut methods = 0;
    for service in files().iter().flat_map(|it| &it.service) {
        for method in &service.method {
            let path = format!("/{PACKAGE}.{}/{}", service.name(), method.name());
            let level = method.options.as_ref().unwrap().idempotency_level();
            let reads = level == IdempotencyLevel::NoSideEffects;
            let access = access.get(path.as_str()).copied().unwrap_or_default();
            assert_ne!(access, Access::Unspecified, "{path}");
            let may_read = matches!(access, Access::Read | Access::Admin);
            assert!(may_read || !reads, "{path}");
            assert!(access != Access::Read || reads, "{path}");
            methods += 1;
        }
    }
    assert_eq!(access.len(), methods);
}

#[test]
fn the_documentation_lists_each_rpc_under_its_access() {
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, access) in method_access() {
        let name = path.rsplit('/').next().unwrap().to_owned();
        let access = access.as_str_name().to_owned();
        expected.entry(access).or_default().push(name);
    }
    let mut documented = documented();
    for calls in documented.values_mut().chain(expected.values_mut()) {
        calls.sort();
    }
    assert_eq!(documented, expected);
}

#[test]
fn the_readme_names_every_rpc() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let names = method_access().filter_map(|(path, _)| path.rsplit('/').next());
    let missing = names.filter(|name| !readme.contains(&format!("`{name}`")));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&str>::new());
}
