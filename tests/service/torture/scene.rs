//! Two servers, their PostgreSQL, and the networks between them and to their clients.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use mailing_groups::postgres::Cluster;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::support::{
    Network, Program, Proxy, SmallDisk, Sql, durable_cluster, eventually, postgres::scratch_in,
    scratch,
};

/// Space for the database, most of it unused.
const DISK: &str = "400m";

pub(super) struct Scene {
    pub(super) folder: TempDir,
    pub(super) cluster: Cluster,
    /// What the disk is full of, while it is.
    pub(super) filler: Option<PathBuf>,
    pub(super) disk: Option<SmallDisk>,
    /// The database, without a network in between.
    pub(super) url: String,
    pub(super) servers: [Server; 2],
}

/// A server between two networks.
pub(super) struct Server {
    pub(super) program: Program,
    /// To PostgreSQL.
    pub(super) database: Proxy,
    /// To its clients.
    pub(super) clients: Proxy,
    /// How far its clock is ahead, as libfaketime reads it.
    pub(super) clock: PathBuf,
}

impl Scene {
    /// Starts the servers at the same time, on an empty database.
    pub(super) async fn start() -> Self {
        let folder = memory();
        let cluster = durable_cluster(folder.path()).await;
        let disk = SmallDisk::mount(cluster.url(), DISK);
        let url = match &disk {
            Some(disk) => disk.database(cluster.url()).await,
            None => cluster.url().to_owned(),
        };
        let one = Server::start(folder.path(), &url, "one");
        let two = Server::start(folder.path(), &url, "two");
        let servers = tokio::join!(one, two).into();
        Self {
            folder,
            cluster,
            filler: None,
            disk,
            url,
            servers,
        }
    }

    /// Stops the servers in order.
    pub(super) async fn stop(self) {
        for mut server in self.servers {
            server.program.signal(Signal::SIGTERM);
            let ended = server.program.ended().await;
            assert!(ended.success(), "{}", server.program.log());
        }
        self.cluster.stop().await.unwrap();
    }

    /// A connection to the database, once it takes one.
    pub(super) async fn sql(&self) -> Sql {
        eventually(async || Sql::try_connect(&self.url).await.ok()).await
    }
}

impl Server {
    async fn start(folder: &Path, url: &str, name: &str) -> Self {
        let database = Proxy::before(url).await;
        let clock = folder.join(format!("{name}.clock"));
        fs::write(&clock, "+0").unwrap();
        let mut program = spawn(folder, &database, &clock);
        let clients = Proxy::before_server(program.address().await).await;
        Self {
            program,
            database,
            clients,
            clock,
        }
    }

    /// Starts it again after its end.
    pub(super) async fn restart(&mut self, folder: &Path) {
        self.check_log();
        self.program = spawn(folder, &self.database, &self.clock);
        self.clients.redirect(self.program.address().await);
    }

    /// Both networks pass everything on.
    pub(super) fn connect(&self) {
        self.database.set(Network::Up);
        self.clients.set(Network::Up);
    }

    /// No fault from outside is a fault of the program.
    pub(super) fn check_log(&self) {
        let log = self.program.log();
        let line = log
            .lines()
            .find(|line| line.contains("panicked") || line.contains("internal error"));
        assert_eq!(line, None);
    }
}

/// A folder in memory where there is one, so that many writes are under way when a fault comes. No
/// fault here is one of the machine, which only a disk survives.
fn memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.exists() {
        true => scratch_in(memory),
        false => scratch(),
    }
}

fn spawn(folder: &Path, database: &Proxy, clock: &Path) -> Program {
    let arguments = ["--call-timeout", "10s", "--database-url", database.url()];
    let Some(library) = faketime() else {
        return Program::spawn(folder, &arguments);
    };
    let environment = [
        ("LD_PRELOAD", library.as_os_str()),
        ("FAKETIME_TIMESTAMP_FILE", clock.as_os_str()),
        ("FAKETIME_CACHE_DURATION", OsStr::new("1")),
        // Only the time of day jumps.
        ("FAKETIME_DONT_FAKE_MONOTONIC", OsStr::new("1")),
    ];
    Program::spawn_with(folder, &arguments, &environment)
}

/// libfaketime, with which the clock of a process can jump, where it is installed.
pub(super) fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut libraries = folders.map(|it| it.path().join("faketime/libfaketimeMT.so.1"));
    libraries.find(|it| it.exists())
}
