//! The program under measurement, on a PostgreSQL that both sides use.

use mailing_groups::postgres::{Cluster, Durability};

use super::{
    postgres::{scratch, start_cluster},
    program::{Program, command},
};

/// A temporary PostgreSQL with durable settings.
pub(crate) struct Database {
    pub(crate) cluster: Cluster,
    pub(crate) folder: tempfile::TempDir,
}

impl Database {
    pub(crate) async fn start() -> Self {
        let folder = scratch();
        let cluster = start_cluster(folder.path(), Durability::Full).await;
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
        row.expect("a version").get(0)
    }

    pub(crate) async fn stop(self) {
        self.cluster.stop().await.expect("PostgreSQL stops");
        drop(self.folder);
    }
}

/// A connection to a database.
pub(crate) async fn connect(url: &str) -> tokio_postgres::Client {
    super::postgres::connect(url).await.expect("connects")
}

/// The running program; it is killed when this is dropped.
pub(crate) struct Service {
    program: Program,
    pub(crate) endpoint: String,
}

impl Service {
    /// Starts the program and waits until it accepts calls.
    pub(crate) fn start(database_url: &str, flags: &[&str]) -> Self {
        let arguments = ["--listen", "127.0.0.1:0", "--database-url", database_url];
        let mut command = command(["serve"]);
        command.env("MAILING_GROUPS_LOG", "warn");
        let mut program = Program::start(command.args(arguments).args(flags));
        let line = program.lines(1).pop();
        let endpoint = format!("http://{}", program.address_in(line.as_deref()));
        Self { program, endpoint }
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.program.id()
    }
}
