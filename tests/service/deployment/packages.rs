//! What a release publishes has one version, and says what the registries ask for.

use std::{fs, path::Path, process::Command};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_packages_have_the_version_of_the_program() {
    let mut check = Command::new("scripts/version");
    let output = check.current_dir(ROOT).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_packages_describe_themselves() {
    let source = "https://github.com/mailing-groups/mailing-groups";
    let has = |file: &str, wanted: &[&str]| {
        let text = fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
        for it in wanted.iter().chain(&[source, "MIT OR Apache-2.0"]) {
            assert!(text.contains(it), "{file} has no {it}");
        }
    };
    has(
        "clients/python/pyproject.toml",
        &["description", "readme", "authors", "license-files"],
    );
    has(
        "clients/typescript/package.json",
        &["\"description\"", "\"author\"", "\"LICENSE-*\""],
    );
    // Maven Central refuses a package without one of these.
    has(
        "clients/java/pom.xml",
        &["<name>", "<description>", "<url>", "<developers>", "<scm>"],
    );
    has(
        "clients/csharp/MailingGroups.Api.csproj",
        &["<Description>", "<Authors>"],
    );
}
