//! The private PostgreSQL, with the installed PostgreSQL.

mod ends;
mod folders;
mod others;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use mailing_groups::postgres::{Cluster, Durability};
use nix::{sys::signal::kill, unistd::Pid};

use crate::support::{
    postgres::{connect, start_cluster},
    scratch,
};

async fn start(data_dir: &Path) -> Cluster {
    start_cluster(data_dir, Durability::None).await
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
async fn a_new_cluster_keeps_its_data_over_a_restart() {
    let dir = scratch();
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
async fn a_cluster_is_durable_and_private_and_logs_no_data() {
    let dir = scratch();
    let cluster = start_cluster(dir.path(), Durability::Full).await;
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
    assert_eq!(setting(url, "max_connections").await, "400");
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
