//! What a data directory may contain and where it may be.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use mailing_groups::postgres::{Cluster, Durability, Error};
use nix::unistd::geteuid;

use super::{execute, mode, number, socket_folder, start};
use crate::support::{postgres::options, scratch};

#[tokio::test]
async fn a_second_service_on_the_same_folder_is_rejected() {
    let dir = scratch();
    let cluster = start(dir.path()).await;
    let error = Cluster::start(options(dir.path(), Durability::None))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert!(error.to_string().contains("--data-dir"), "{error}");
    assert_eq!(number(cluster.url(), "SELECT 1").await, 1);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_copied_data_directory_that_links_to_a_cluster_in_use_is_rejected() {
    let (dir, copy) = (scratch(), scratch());
    let cluster = start(dir.path()).await;
    symlink(dir.path().join("postgres"), copy.path().join("postgres")).unwrap();
    let error = Cluster::start(options(copy.path(), Durability::None))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert_eq!(number(cluster.url(), "SELECT 1").await, 1);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_stale_pid_file_does_not_prevent_a_start() {
    let dir = scratch();
    start(dir.path()).await.stop().await.unwrap();
    // The number is now that of a living process that is no server: this one.
    let note = format!("{}\n{}\n", std::process::id(), dir.path().display());
    fs::write(dir.path().join("postgres/postmaster.pid"), note).unwrap();
    start(dir.path()).await.stop().await.unwrap();
}

#[tokio::test]
async fn an_unfinished_cluster_is_removed_at_start() {
    let dir = scratch();
    let unfinished = dir.path().join("postgres.new-1a2B3c");
    fs::create_dir_all(unfinished.join("base")).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "15\n").unwrap();
    start(dir.path()).await.stop().await.unwrap();
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn a_folder_that_is_no_cluster_is_not_changed() {
    let dir = scratch();
    let precious = dir.path().join("postgres/precious");
    fs::create_dir(dir.path().join("postgres")).unwrap();
    fs::write(&precious, "data").unwrap();
    let error = Cluster::start(options(dir.path(), Durability::None))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotACluster { .. }), "{error}");
    assert_eq!(fs::read_to_string(precious).unwrap(), "data");
}

#[tokio::test]
async fn a_cluster_of_another_program_is_rejected_with_the_reason() {
    let dir = scratch();
    let cluster = start(dir.path()).await;
    execute(cluster.url(), "CREATE ROLE other SUPERUSER LOGIN").await;
    let other = cluster.url().replace("//mailing_groups@", "//other@");
    execute(&other, "ALTER ROLE mailing_groups RENAME TO theirs").await;
    cluster.stop().await.unwrap();
    let error = Cluster::start(options(dir.path(), Durability::None))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ForeignCluster { .. }), "{error}");
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[tokio::test]
async fn a_missing_cluster_is_not_replaced_by_an_empty_one() {
    let dir = scratch();
    symlink("/nowhere/at/all", dir.path().join("postgres")).unwrap();
    let error = Cluster::start(options(dir.path(), Durability::None))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ClusterGone { .. }), "{error}");
}

#[tokio::test]
async fn a_cluster_of_another_version_names_the_package_to_install() {
    let dir = scratch();
    fs::create_dir(dir.path().join("postgres")).unwrap();
    fs::write(dir.path().join("postgres/PG_VERSION"), "99\n").unwrap();
    let error = Cluster::start(options(dir.path(), Durability::None))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("postgresql-99"), "{error}");
}

#[tokio::test]
async fn the_error_of_a_failed_start_has_the_reason() {
    let dir = scratch();
    start(dir.path()).await.stop().await.unwrap();
    fs::write(
        dir.path().join("postgres/postgresql.conf"),
        "no_such_setting = 1\n",
    )
    .unwrap();
    let error = Cluster::start(options(dir.path(), Durability::None))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn the_socket_of_a_long_path_is_elsewhere_and_removed_at_stop() {
    let dir = scratch();
    let long = dir.path().join("a, \"long\" näme ".repeat(9));
    let cluster = start(&long).await;
    let folder = socket_folder(cluster.url());
    assert_eq!(number(cluster.url(), "SELECT 1").await, 1);
    assert!(!folder.starts_with(&long));
    assert_eq!(mode(&folder), 0o700);
    cluster.stop().await.unwrap();
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_cluster_for_a_folder_only_root_can_enter_is_created_elsewhere() {
    if !geteuid().is_root() {
        return; // Only root runs PostgreSQL as somebody else.
    }
    let dir = scratch();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
    let cluster = start(dir.path()).await;
    execute(cluster.url(), "CREATE TABLE kept AS SELECT 5 AS n").await;
    cluster.stop().await.unwrap();
    let elsewhere = fs::read_link(dir.path().join("postgres")).unwrap();
    assert_eq!(
        elsewhere.parent(),
        Some(Path::new("/var/lib/mailing-groups"))
    );
    assert_eq!(mode(dir.path()), 0o700, "the user's folder stays as it is");

    let cluster = start(dir.path()).await;
    assert_eq!(number(cluster.url(), "SELECT n FROM kept").await, 5);
    cluster.stop().await.unwrap();
    fs::remove_dir_all(elsewhere).unwrap();
}
