//! A throw-away PostgreSQL for all tests of the process.

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use mailing_groups::postgres::{Cluster, Durability, Options};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The runtime of everything that outlives one test.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    &RUNTIME
}

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let folder = scratch().keep();
    let options = Options {
        data_dir: folder.clone(),
        durability: Durability::None,
        max_connections: 200,
    };
    let start = runtime().spawn(Cluster::start(options));
    let cluster = std::thread::spawn(|| runtime().block_on(start))
        .join()
        .unwrap()
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

/// A folder of one's own that everybody can reach: PostgreSQL runs as another user when we are
/// root.
pub(crate) fn scratch() -> TempDir {
    let passable = Permissions::from_mode(0o755);
    tempfile::Builder::new()
        .permissions(passable)
        .tempdir()
        .unwrap()
}

/// A PostgreSQL of one's own, as the program runs it, in this folder.
pub(crate) async fn durable_cluster(folder: &Path) -> Cluster {
    let options = Options {
        data_dir: folder.join("data"),
        durability: Durability::Full,
        max_connections: 50,
    };
    let start = runtime().spawn(Cluster::start(options));
    start.await.unwrap().unwrap()
}
