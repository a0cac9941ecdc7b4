//! Which installed programs are chosen.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::os::unix::fs::PermissionsExt;

use super::*;

/// A directory with programs that only print their version.
fn installation(version: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Some 1)'\n");
    for name in ["initdb", "postgres"] {
        let path = folder.path().join(name);
        fs::write(&path, &script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn choose(versions: &[&str], cluster: Option<u32>) -> Result<String, String> {
    let all: Vec<_> = versions
        .iter()
        .map(|version| installation(version))
        .collect();
    let folders: Vec<_> = all.iter().map(|folder| folder.path().to_owned()).collect();
    let cluster = cluster.map(|major| (PathBuf::from("/data/postgres"), major));
    let chosen = Programs::among(&folders, cluster);
    chosen
        .map(|programs| programs.version.to_string())
        .map_err(|error| error.to_string())
}

#[test]
fn without_programs_the_error_names_the_packages() {
    let error = choose(&[], None).unwrap_err();
    assert!(error.contains("apt-get install postgresql;"), "{error}");
    assert!(error.contains("postgresql-contrib"), "{error}");
    assert!(
        choose(&[], Some(15))
            .unwrap_err()
            .contains("postgresql-15;")
    );
}

#[test]
fn the_first_folder_wins() {
    assert_eq!(choose(&["15.3", "17.1"], None).unwrap(), "15.3");
}

#[test]
fn versions_before_14_are_passed_over_or_refused() {
    assert_eq!(choose(&["13.9", "18beta1"], None).unwrap(), "18beta1");
    assert!(
        choose(&["9.6.24", "13.9"], None)
            .unwrap_err()
            .contains("13.9")
    );
    assert!(
        choose(&["13.9"], Some(13))
            .unwrap_err()
            .contains("14 or newer")
    );
}

#[test]
fn a_cluster_demands_its_own_major_version() {
    assert_eq!(choose(&["17.1", "15.3"], Some(15)).unwrap(), "15.3");
    let error = choose(&["17.1", "15.3"], Some(16)).unwrap_err();
    assert!(error.contains("written by PostgreSQL 16"), "{error}");
    assert!(error.contains("17.1, 15.3"), "{error}");
    assert!(error.contains("postgresql-16;"), "{error}");
}

#[test]
fn folders_of_versions_are_read_newest_first() {
    let parent = tempfile::tempdir().unwrap();
    for name in ["pgsql-9.6", "pgsql-15", "pgsql-17", "other"] {
        fs::create_dir(parent.path().join(name)).unwrap();
    }
    let found = versions_in(parent.path(), "pgsql-", "bin");
    let names = ["pgsql-17/bin", "pgsql-15/bin", "pgsql-9.6/bin"];
    assert_eq!(found, names.map(|name| parent.path().join(name)));
}
