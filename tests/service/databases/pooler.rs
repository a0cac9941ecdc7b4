//! PgBouncer in front of the database.

use std::{
    fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
};

use tokio::net::TcpStream;
use tokio_postgres::config::Host;

use super::{refusal, start};
use crate::support::{company, database, eventually, scratch, serve::bind};

/// A PgBouncer; killed when dropped.
struct Pooler {
    url: String,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Pooler {
    /// Starts one in front of a database; `None` without the program.
    async fn start(database_url: &str, pool_mode: &str) -> Option<Self> {
        let config: tokio_postgres::Config = database_url.parse().unwrap();
        let Host::Unix(sockets) = &config.get_hosts()[0] else {
            panic!("not on a Unix socket: {database_url}");
        };
        let (name, user) = (config.get_dbname().unwrap(), config.get_user().unwrap());
        let (listener, address) = bind();
        drop(listener);
        let folder = scratch();
        let settings = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n{name} = host={} port={} user={user}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = {pool_mode}\n",
            sockets.display(),
            config.get_ports()[0],
            address.port(),
        );
        fs::write(&settings, text).unwrap();
        let process = spawn(&settings, sockets)?;
        let pooler = Self {
            url: format!("postgres://{user}@{address}/{name}"),
            process,
            _folder: folder,
        };
        eventually(async || TcpStream::connect(address).await.ok()).await;
        Some(pooler)
    }
}

/// Runs PgBouncer as the user who may enter the directory of PostgreSQL's socket.
fn spawn(settings: &Path, sockets: &Path) -> Option<Child> {
    let owner = fs::metadata(sockets).unwrap();
    let mut command = Command::new("pgbouncer");
    command.arg(settings).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if nix::unistd::geteuid().is_root() {
        command.uid(owner.uid()).gid(owner.gid());
    }
    match command.spawn() {
        Ok(process) => Some(process),
        Err(error) => {
            eprintln!("SKIPPED: pgbouncer cannot be run: {error}");
            None
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_pooler_by_transaction_or_statement_is_refused() {
    let url = database().await;
    for mode in ["transaction", "statement"] {
        let Some(pooler) = Pooler::start(&url, mode).await else {
            return;
        };
        let refusal = refusal(&pooler.url, &[]).await;
        assert!(refusal.contains("pool_mode = session"), "{refusal}");
    }
}

#[tokio::test]
async fn two_servers_share_a_pooler_by_session() {
    let url = database().await;
    let Some(pooler) = Pooler::start(&url, "session").await else {
        return;
    };
    let arguments = ["--database-connections", "4"];
    let mut one = start(&pooler.url, &arguments).await;
    let mut other = start(&pooler.url, &arguments).await;
    one.tenant.group("MOVE").await;
    other.tenant.create(company("A")).await;
    one.tenant.assign("A", "MOVE").await;
    assert_eq!(other.tenant.members("MOVE").await, ["A"]);
}
