//! The version is the same wherever it is written.

use std::{fs, path::Path};

#[test]
fn the_chart_has_the_version_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/helm/mailing-groups/Chart.yaml");
    let chart = fs::read_to_string(path).unwrap();
    for field in ["version", "appVersion"] {
        let line = format!("{field}: {}", env!("CARGO_PKG_VERSION"));
        assert!(chart.lines().any(|it| it == line), "no line {line}");
    }
}
