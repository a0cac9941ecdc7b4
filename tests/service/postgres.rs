//! The private PostgreSQL, on the PostgreSQL that is installed here.

use std::{
    fs::{self, Permissions},
    future::Future,
    io::{BufRead, BufReader},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use mailing_groups::postgres::{Cluster, Durability, Error, Options};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// How long anything here may take; generous, because machines are slow at times.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names the folder on which the copy of this program that gets killed starts its cluster.
const DOOMED: &str = "MAILING_GROUPS_TEST_DOOMED_DATA_DIR";

/// A data directory that everybody can reach, so that root can run PostgreSQL as another user.
fn data_dir() -> TempDir {
    let reachable = Permissions::from_mode(0o755);
    tempfile::Builder::new()
        .prefix("mg-")
        .permissions(reachable)
        .tempdir()
        .unwrap()
}

fn options(data_dir: &Path) -> Options {
    let data_dir = data_dir.to_owned();
    Options {
        data_dir,
        durability: Durability::None,
        max_connections: 20,
    }
}

async fn start(data_dir: &Path) -> Cluster {
    Cluster::start(options(data_dir)).await.unwrap()
}

async fn start_durable(data_dir: &Path) -> Cluster {
    let durable = Options {
        durability: Durability::Full,
        ..options(data_dir)
    };
    Cluster::start(durable).await.unwrap()
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn execute(url: &str, sql: &str) {
    connect(url)
        .await
        .unwrap()
        .batch_execute(sql)
        .await
        .unwrap();
}

async fn number(url: &str, sql: &str) -> i32 {
    connect(url)
        .await
        .unwrap()
        .query_one(sql, &[])
        .await
        .unwrap()
        .get(0)
}

async fn setting(url: &str, name: &str) -> String {
    let client = connect(url).await.unwrap();
    client
        .query_one("SELECT current_setting($1)", &[&name])
        .await
        .unwrap()
        .get(0)
}

/// Asks again and again until there is an answer.
async fn eventually<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "nothing came of it within {PATIENCE:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn signal(process_id: u32, signal: Signal) {
    kill(Pid::from_raw(process_id.try_into().unwrap()), signal).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The folder of the socket that `url` names.
fn socket_folder(url: &str) -> PathBuf {
    let config: tokio_postgres::Config = url.parse().unwrap();
    let [tokio_postgres::config::Host::Unix(folder)] = config.get_hosts() else {
        panic!("{url} is not on a Unix socket");
    };
    folder.clone()
}

#[tokio::test]
async fn a_new_cluster_answers_and_keeps_its_data_over_a_stop() {
    let dir = data_dir();
    let cluster = start(&dir.path().join("not/there/yet")).await;
    assert!(cluster.version().major() >= 14);
    assert_eq!(
        cluster.data_dir(),
        dir.path().canonicalize().unwrap().join("not/there/yet")
    );
    execute(cluster.url(), "CREATE TABLE kept AS SELECT 42 AS n").await;
    let process_id = cluster.process_id().unwrap();
    cluster.stop().await.unwrap();
    assert!(kill(Pid::from_raw(process_id.try_into().unwrap()), None).is_err());

    let cluster = start(&dir.path().join("not/there/yet")).await;
    assert_eq!(number(cluster.url(), "SELECT n FROM kept").await, 42);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_cluster_is_durable_private_and_discreet() {
    let dir = data_dir();
    let cluster = start_durable(dir.path()).await;
    let url = cluster.url();
    for name in [
        "fsync",
        "full_page_writes",
        "synchronous_commit",
        "data_checksums",
    ] {
        assert_eq!(setting(url, name).await, "on", "{name}");
    }
    assert_eq!(setting(url, "listen_addresses").await, "");
    assert_eq!(setting(url, "server_encoding").await, "UTF8");
    assert_eq!(setting(url, "max_connections").await, "20");
    assert_eq!(number(url, "SELECT (lower('É') = 'é')::int").await, 1);
    assert_eq!(mode(&socket_folder(url)), 0o700);
    assert_eq!(mode(&dir.path().join("postgres")), 0o700);
    assert_no_tcp_socket(cluster.process_id().unwrap());

    let client = connect(url).await.unwrap();
    assert!(
        client
            .batch_execute("SELECT 'a secret'::int")
            .await
            .is_err()
    );
    assert!(
        client
            .batch_execute("SELECT * FROM nowhere WHERE name = 'a secret'")
            .await
            .is_err()
    );
    cluster.stop().await.unwrap();
    let logs = fs::read_dir(dir.path().join("postgres/log")).unwrap();
    let logs: Vec<String> = logs
        .map(|f| fs::read_to_string(f.unwrap().path()).unwrap())
        .collect();
    assert!(
        logs.concat().contains("database system is ready"),
        "{logs:?}"
    );
    assert!(!logs.concat().contains("secret"), "{logs:?}");
}

/// Compares the sockets the process has open with the machine's TCP sockets.
fn assert_no_tcp_socket(process_id: u32) {
    let Ok(files) = fs::read_dir(format!("/proc/{process_id}/fd")) else {
        return;
    };
    let sockets: Vec<String> = files
        .filter_map(|file| Some(fs::read_link(file.ok()?.path()).ok()?.display().to_string()))
        .filter_map(|file| {
            Some(
                file.strip_prefix("socket:[")?
                    .trim_end_matches(']')
                    .to_owned(),
            )
        })
        .collect();
    assert!(!sockets.is_empty(), "the server has its Unix socket open");
    for table in ["tcp", "tcp6"] {
        let table = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for line in table.lines() {
            let inode = line.split_whitespace().nth(9).unwrap_or_default();
            assert!(!sockets.iter().any(|socket| socket == inode), "{line}");
        }
    }
}

#[tokio::test]
async fn a_second_service_on_the_same_folder_is_refused() {
    let dir = data_dir();
    let cluster = start(dir.path()).await;
    let error = Cluster::start(options(dir.path())).await.unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert!(error.to_string().contains("--data-dir"), "{error}");
    assert_eq!(number(cluster.url(), "SELECT 1").await, 1);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_copied_data_directory_that_links_to_a_used_cluster_is_refused() {
    let (dir, copy) = (data_dir(), data_dir());
    let cluster = start(dir.path()).await;
    symlink(dir.path().join("postgres"), copy.path().join("postgres")).unwrap();
    let error = Cluster::start(options(copy.path())).await.unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert_eq!(number(cluster.url(), "SELECT 1").await, 1);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_comes_back_under_the_same_url_with_its_data() {
    let dir = data_dir();
    let cluster = start_durable(dir.path()).await;
    let url = cluster.url().to_owned();
    execute(&url, "CREATE TABLE kept (n int)").await;
    for n in 1..=3 {
        execute(&url, &format!("INSERT INTO kept VALUES ({n})")).await;
        // A backend that is at work does not notice at once that its server is gone.
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
async fn a_stop_right_after_a_death_leaves_nothing_running() {
    let dir = data_dir();
    let cluster = start(dir.path()).await;
    let url = cluster.url().to_owned();
    signal(cluster.process_id().unwrap(), Signal::SIGKILL);
    cluster.stop().await.unwrap();
    assert!(connect(&url).await.is_err());
    start(dir.path()).await.stop().await.unwrap();
}

#[tokio::test]
async fn a_dropped_cluster_shuts_down_and_can_be_started_again() {
    let dir = data_dir();
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
async fn a_server_left_behind_by_a_killed_service_is_taken_over() {
    let dir = data_dir();
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
async fn a_service_and_a_server_killed_together_leave_nothing_that_hinders() {
    let dir = data_dir();
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
            "postgres::the_service_that_gets_killed",
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
async fn the_service_that_gets_killed() {
    let Some(data_dir) = std::env::var_os(DOOMED) else {
        return;
    };
    let cluster = start_durable(Path::new(&data_dir)).await;
    execute(cluster.url(), "CREATE TABLE kept AS SELECT 3 AS n").await;
    println!("\nserver {}", cluster.process_id().unwrap());
    // Until we are killed, or whoever started us is gone.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[tokio::test]
async fn a_stale_note_of_a_server_does_not_hinder() {
    let dir = data_dir();
    start(dir.path()).await.stop().await.unwrap();
    // The number is now that of a living process that is no server: this one.
    let note = format!("{}\n{}\n", std::process::id(), dir.path().display());
    fs::write(dir.path().join("postgres/postmaster.pid"), note).unwrap();
    start(dir.path()).await.stop().await.unwrap();
}

#[tokio::test]
async fn a_creation_that_was_cut_short_does_not_hinder() {
    let dir = data_dir();
    let unfinished = dir.path().join("postgres.new-1a2B3c");
    fs::create_dir_all(unfinished.join("base")).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "15\n").unwrap();
    start(dir.path()).await.stop().await.unwrap();
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn what_is_not_a_cluster_is_left_alone() {
    let dir = data_dir();
    let precious = dir.path().join("postgres/precious");
    fs::create_dir(dir.path().join("postgres")).unwrap();
    fs::write(&precious, "data").unwrap();
    let error = Cluster::start(options(dir.path())).await.unwrap_err();
    assert!(matches!(error, Error::NotACluster { .. }), "{error}");
    assert_eq!(fs::read_to_string(precious).unwrap(), "data");
}

#[tokio::test]
async fn a_cluster_of_another_program_is_refused_with_the_reason() {
    let dir = data_dir();
    let cluster = start(dir.path()).await;
    execute(cluster.url(), "CREATE ROLE other SUPERUSER LOGIN").await;
    let other = cluster.url().replace("//mailing_groups@", "//other@");
    execute(&other, "ALTER ROLE mailing_groups RENAME TO theirs").await;
    cluster.stop().await.unwrap();
    let error = Cluster::start(options(dir.path())).await.unwrap_err();
    assert!(matches!(error, Error::ForeignCluster { .. }), "{error}");
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[tokio::test]
async fn a_cluster_that_is_away_is_not_replaced_by_an_empty_one() {
    let dir = data_dir();
    symlink("/nowhere/at/all", dir.path().join("postgres")).unwrap();
    let error = Cluster::start(options(dir.path())).await.unwrap_err();
    assert!(matches!(error, Error::ClusterGone { .. }), "{error}");
}

#[tokio::test]
async fn a_cluster_of_another_version_names_the_package_to_install() {
    let dir = data_dir();
    fs::create_dir(dir.path().join("postgres")).unwrap();
    fs::write(dir.path().join("postgres/PG_VERSION"), "99\n").unwrap();
    let error = Cluster::start(options(dir.path())).await.unwrap_err();
    assert!(error.to_string().contains("postgresql-99"), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let dir = data_dir();
    start(dir.path()).await.stop().await.unwrap();
    fs::write(
        dir.path().join("postgres/postgresql.conf"),
        "no_such_setting = 1\n",
    )
    .unwrap();
    let error = Cluster::start(options(dir.path())).await.unwrap_err();
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn a_long_path_gets_its_socket_elsewhere_and_clears_it_up() {
    let dir = data_dir();
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
async fn a_folder_of_root_alone_gets_its_cluster_where_postgresql_can_reach_it() {
    if !geteuid().is_root() {
        return; // Only root runs PostgreSQL as somebody else.
    }
    let dir = data_dir();
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
