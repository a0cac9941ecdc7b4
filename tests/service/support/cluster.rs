//! The PostgreSQL that all tests of the process share, and the runtime of what outlives a test.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use mailing_groups::postgres::{Cluster, Durability};
use tokio::runtime::Runtime;

use super::postgres::{scratch, start_cluster};

/// The runtime of everything that outlives one test.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    &RUNTIME
}

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let folder = scratch().keep();
    let data_dir = folder.clone();
    let start = async move { start_cluster(&data_dir, Durability::None).await };
    let start = runtime().spawn(start);
    let cluster = std::thread::spawn(|| runtime().block_on(start))
        .join()
        .unwrap()
        .unwrap();
    // Statics are not dropped: a child that sees the end of its input, however this process
    // ends, stops the server and removes the folder.
    let script = "cat >/dev/null; kill -QUIT \"$0\"; sleep 1; rm -rf \"$1\"";
    let pid = cluster.process_id().unwrap().to_string();
    let reaper = Command::new("sh")
        .args(["-c", script, &pid])
        .arg(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::mem::forget(reaper);
    cluster
});

/// A new, empty database; its URL.
pub(crate) async fn database() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let url = tokio::task::spawn_blocking(|| CLUSTER.url().to_owned())
        .await
        .unwrap();
    let mut conn = AsyncPgConnection::establish(&url).await.unwrap();
    conn.batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    url.strip_suffix("/mailing_groups")
        .map(|server| format!("{server}/{name}"))
        .unwrap()
}

/// A PostgreSQL that keeps its data, in this folder.
pub(crate) async fn durable_cluster(folder: &Path) -> Cluster {
    let data_dir = folder.join("data");
    let start = async move { start_cluster(&data_dir, Durability::Full).await };
    runtime().spawn(start).await.unwrap()
}

/// Copies of a database, to put in its place later: what was committed in between is then lost, as
/// after a failover to a standby that lags or the restore of a backup. Connections to it are closed.
pub(crate) struct Backup {
    server: String,
    name: String,
    copy: String,
}

impl Backup {
    /// Copies the database of this URL as it is now.
    pub(crate) async fn of(url: &str) -> Self {
        let (server, name) = url.rsplit_once('/').unwrap();
        let backup = Self {
            server: format!("{server}/mailing_groups"),
            copy: format!("{name}_backup"),
            name: name.to_owned(),
        };
        let (name, copy) = (&backup.name, &backup.copy);
        backup
            .run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
            .await;
        let disconnect = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity";
        backup
            .run(&format!("{disconnect} WHERE datname = '{name}'"))
            .await;
        backup
            .run(&format!("CREATE DATABASE {copy} TEMPLATE {name}"))
            .await;
        backup
            .run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
            .await;
        backup
    }

    /// Puts the copy in the place of the database.
    pub(crate) async fn restore(self) {
        let (name, copy) = (&self.name, &self.copy);
        self.run(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await;
        self.run(&format!("ALTER DATABASE {copy} RENAME TO {name}"))
            .await;
    }

    async fn run(&self, statement: &str) {
        let mut conn = AsyncPgConnection::establish(&self.server).await.unwrap();
        conn.batch_execute(statement).await.unwrap();
    }
}
