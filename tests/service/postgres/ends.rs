//! The end of a server, of the service that runs it, and of both.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use mailing_groups::postgres::Durability;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{execute, number, start};
use crate::support::{
    eventually,
    postgres::{connect, start_cluster},
    scratch,
};

/// Names the folder on which the copy of this program that gets killed starts its cluster.
const DOOMED: &str = "MAILING_GROUPS_TEST_DOOMED_DATA_DIR";

fn signal(process_id: u32, signal: Signal) {
    kill(Pid::from_raw(process_id.try_into().unwrap()), signal).unwrap();
}

#[tokio::test]
async fn a_killed_server_restarts_under_the_same_url_with_its_data() {
    let dir = scratch();
    let cluster = start_cluster(dir.path(), Durability::Full).await;
    let url = cluster.url().to_owned();
    execute(&url, "CREATE TABLE kept (n int)").await;
    for n in 1..=3 {
        execute(&url, &format!("INSERT INTO kept VALUES ({n})")).await;
        // A busy backend does not notice at once that its server has ended.
        let busy = connect(&url).await.unwrap();
        let work = tokio::spawn(async move { busy.batch_execute("SELECT pg_sleep(600)").await });
        let killed = cluster.process_id().unwrap();
        signal(killed, Signal::SIGKILL);
        eventually(async || cluster.process_id().filter(|id| *id != killed)).await;
        assert_eq!(cluster.url(), url);
        assert_eq!(number(&url, "SELECT count(*)::int FROM kept").await, n);
        assert!(work.await.unwrap().is_err());
    }
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_right_after_a_crash_leaves_nothing_running() {
    let dir = scratch();
    let cluster = start(dir.path()).await;
    let url = cluster.url().to_owned();
    signal(cluster.process_id().unwrap(), Signal::SIGKILL);
    cluster.stop().await.unwrap();
    assert!(connect(&url).await.is_err());
    start(dir.path()).await.stop().await.unwrap();
}

#[tokio::test]
async fn a_dropped_cluster_shuts_down_and_can_be_started_again() {
    let dir = scratch();
    let cluster = start(dir.path()).await;
    let url = cluster.url().to_owned();
    execute(&url, "CREATE TABLE kept AS SELECT 7 AS n").await;
    drop(cluster);
    let cluster = start(dir.path()).await;
    assert_eq!(number(cluster.url(), "SELECT n FROM kept").await, 7);
    drop(cluster);
    eventually(async || connect(&url).await.err()).await;
}

#[tokio::test]
async fn a_server_orphaned_by_a_killed_service_is_replaced() {
    let dir = scratch();
    let (mut service, left_behind) = doomed_service(dir.path());
    service.kill().unwrap();
    service.wait().unwrap();
    assert!(
        kill(Pid::from_raw(left_behind), None).is_ok(),
        "the server outlives its service"
    );

    let cluster = start(dir.path()).await;
    assert_ne!(
        cluster.process_id().unwrap(),
        u32::try_from(left_behind).unwrap()
    );
    assert_eq!(number(cluster.url(), "SELECT n FROM kept").await, 3);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_start_succeeds_after_service_and_server_were_killed() {
    let dir = scratch();
    let (mut service, left_behind) = doomed_service(dir.path());
    service.kill().unwrap();
    service.wait().unwrap();
    kill(Pid::from_raw(left_behind), Signal::SIGKILL).unwrap();

    let cluster = start(dir.path()).await;
    assert_eq!(number(cluster.url(), "SELECT n FROM kept").await, 3);
    cluster.stop().await.unwrap();
}

/// Runs this test program again as a service, and returns it with the process of its server.
fn doomed_service(data_dir: &Path) -> (Child, i32) {
    let mut service = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "postgres::ends::service_to_be_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(DOOMED, data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(service.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let server = lines
        .filter_map(|line| line.strip_prefix("server ")?.parse().ok())
        .next();
    (service, server.expect("the service starts its server"))
}

#[tokio::test]
#[ignore = "not a test: the service that other tests start in order to kill it"]
async fn service_to_be_killed() {
    let Some(data_dir) = std::env::var_os(DOOMED) else {
        return;
    };
    let cluster = start_cluster(Path::new(&data_dir), Durability::Full).await;
    execute(cluster.url(), "CREATE TABLE kept AS SELECT 3 AS n").await;
    println!("\nserver {}", cluster.process_id().unwrap());
    // Until this process is killed or its parent has ended.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}
