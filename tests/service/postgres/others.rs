//! Servers that others run: on a directory of which this one is a copy, and from programs that an upgrade
//! has replaced.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use mailing_groups::postgres::Cluster;

use super::{execute, number, socket_folder, start};
use crate::support::{eventually, postgres::connect, scratch};

/// Copies a directory with its links, owners and modes.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.unwrap().success());
}

async fn changed_alone(changed: &Cluster, other: &Cluster) {
    execute(changed.url(), "UPDATE kept SET n = n + 1").await;
    let of = async |cluster: &Cluster| number(cluster.url(), "SELECT n FROM kept").await;
    assert_eq!(of(changed).await, of(other).await + 1);
}

/// The copy of a data directory whose server runs starts a server of its own, with a socket of its own.
async fn starts_beside(original: &Path, copied: &Path) {
    let first = start(original).await;
    execute(first.url(), "CREATE TABLE kept AS SELECT 7 AS n").await;
    execute(first.url(), "CHECKPOINT").await;
    copy(original, copied);
    let second = start(copied).await;
    assert_ne!(first.process_id(), second.process_id());
    assert_ne!(socket_folder(first.url()), socket_folder(second.url()));
    changed_alone(&first, &second).await;
    first.stop().await.unwrap();
    assert_eq!(number(second.url(), "SELECT n FROM kept").await, 7);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_copy_of_a_directory_in_use_gets_a_server_of_its_own() {
    let dir = scratch();
    starts_beside(&dir.path().join("one"), &dir.path().join("two")).await;
}

#[tokio::test]
async fn a_copy_does_not_share_the_socket_that_lies_elsewhere() {
    let dir = scratch();
    let long = |name: &str| dir.path().join(name.repeat(100));
    starts_beside(&long("a"), &long("b")).await;
}

/// The program of a running process.
fn program_of(process_id: u32) -> PathBuf {
    fs::read_link(format!("/proc/{process_id}/exe")).unwrap()
}

#[tokio::test]
async fn a_server_whose_program_was_replaced_is_stopped_first() {
    if !cfg!(target_os = "linux") {
        return; // Elsewhere the program is not looked at.
    }
    let dir = scratch();
    let cluster = start(dir.path()).await;
    execute(cluster.url(), "CREATE TABLE kept AS SELECT 5 AS n").await;
    let (url, installed) = (cluster.url().to_owned(), cluster.process_id().unwrap());
    let (program, data) = (dir.path().join("replaced"), dir.path().join("postgres"));
    fs::create_dir(&program).unwrap();
    let program = program.join("postgres");
    fs::copy(program_of(installed), &program).unwrap();
    cluster.stop().await.unwrap();

    let owner = fs::metadata(&data).unwrap();
    let mut command = Command::new(&program);
    command.arg("-D").arg(&data).args(["-h", "", "-k"]);
    command.arg(socket_folder(&url)).current_dir("/");
    let mut command = tokio::process::Command::from(command);
    if nix::unistd::geteuid().is_root() {
        command.uid(owner.uid()).gid(owner.gid());
    }
    let mut left_behind = command.kill_on_drop(true).spawn().unwrap();
    eventually(async || connect(&url).await.ok()).await;
    fs::remove_file(&program).unwrap();
    let deleted = program_of(left_behind.id().unwrap());
    assert!(
        deleted.to_str().unwrap().ends_with(" (deleted)"),
        "{deleted:?}"
    );

    let cluster = start(dir.path()).await;
    assert!(left_behind.wait().await.unwrap().success(), "it shut down");
    assert_eq!(number(cluster.url(), "SELECT n FROM kept").await, 5);
    cluster.stop().await.unwrap();
}
