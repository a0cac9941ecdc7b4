//! The program under measurement, on a PostgreSQL that both sides use.

use std::{
    fs::Permissions,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
};

use mailing_groups::postgres::{Cluster, Durability, Options};

/// A throw-away PostgreSQL with durable settings.
pub(crate) struct Database {
    pub(crate) cluster: Cluster,
    pub(crate) folder: tempfile::TempDir,
}

impl Database {
    pub(crate) async fn start() -> Self {
        let passable = Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new()
            .permissions(passable)
            .tempdir()
            .expect("a folder");
        let options = Options {
            data_dir: folder.path().to_owned(),
            durability: Durability::Full,
            max_connections: 200,
        };
        let cluster = Cluster::start(options).await.expect("PostgreSQL starts");
        Self { cluster, folder }
    }

    pub(crate) fn url(&self) -> &str {
        self.cluster.url()
    }

    /// The URL of another database of the same PostgreSQL.
    pub(crate) fn url_of(&self, name: &str) -> String {
        let (server, _) = self.url().rsplit_once('/').expect("a URL with a database");
        format!("{server}/{name}")
    }

    /// A connection for the other side.
    pub(crate) async fn connect(&self) -> tokio_postgres::Client {
        connect(self.url()).await
    }

    /// The version of the PostgreSQL.
    pub(crate) async fn version(&self) -> String {
        let sql = self.connect().await;
        let row = sql.query_one("SHOW server_version", &[]).await;
        row.expect("it says its version").get(0)
    }

    pub(crate) async fn stop(self) {
        self.cluster.stop().await.expect("PostgreSQL stops");
        drop(self.folder);
    }
}

/// A connection to a database.
pub(crate) async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("connects");
    tokio::spawn(connection);
    client
}

/// The running program; it is killed when this is dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) endpoint: String,
}

impl Service {
    /// Starts the program and waits until it accepts calls.
    pub(crate) fn start(database_url: &str, flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mailing-groups"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("MAILING_GROUPS_LOG", "warn")
            .args(["--database-url", database_url])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = child.stdout.take().expect("piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let address = lines
            .find_map(|line| {
                line.split_once("serves gRPC on ")
                    .map(|(_, rest)| rest.to_owned())
            })
            .expect("the program says where it listens");
        let endpoint = format!("http://{}", address.trim());
        Self { child, endpoint }
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
