//! The private PostgreSQL that runs when no database is named.
//!
//! [`Cluster::start`] finds the installed server programs, creates a cluster once under the
//! data directory, starts it on a Unix socket in a private directory (no TCP port) and restarts
//! it under the same URL if it dies. The settings are durable ones, except for tests.

// Running the server: restarts it, ends servers of earlier runs, is one server process.
mod supervisor;

mod orphans;
mod postmaster;

// Preparing it: the cluster, its database, its settings, its socket and who may use them.
mod create;
mod database;
mod lock;
mod settings;
mod sockets;

// The system: installed programs, users, processes, log files.
mod logs;
mod owner;
mod processes;
mod programs;

mod error;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

pub use self::{error::Error, programs::Version};
use self::{
    lock::Lock, owner::Owner, postmaster::ServerCommand, programs::Programs, sockets::SocketDir,
    supervisor::Supervisor,
};

/// Which commits survive a crash of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// All of them (default).
    Full,
    /// Perhaps none: for tests, which throw the cluster away. When PostgreSQL alone is
    /// killed, the commits of the last fraction of a second may be lost.
    None,
}

/// How a [`Cluster`] runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory with the cluster, its lock and its socket; created when absent.
    pub data_dir: PathBuf,
    /// Which commits survive a crash of the machine.
    pub durability: Durability,
    /// PostgreSQL's `max_connections`: the pool's size and some for administration.
    pub max_connections: u32,
}

/// A private PostgreSQL server.
///
/// It runs until [`Cluster::stop`]. Dropping it starts a shutdown without waiting for it; the
/// next start on the same directory waits.
#[derive(Debug)]
pub struct Cluster {
    url: String,
    data_dir: PathBuf,
    version: Version,
    process_id: Arc<AtomicU32>,
    stopping: CancellationToken,
    supervisor: Option<JoinHandle<Result<(), Error>>>,
    _locks: [Lock; 2],
}

impl Cluster {
    /// Starts the cluster of `options.data_dir`, creating it the first time, and returns once
    /// it accepts connections.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed or has the wrong version, when another service uses
    /// the cluster or another user owns it, and when the server cannot be started; each
    /// [`Error`] says what to do.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let data_dir = open_data_dir(&options.data_dir)?;
        let owner = Owner::of(&data_dir.join(create::NAME))?;
        let data_dir_lock = lock::lock_data_dir(&data_dir)?;
        let programs = Programs::installed(create::major(&data_dir)?)?;
        let cluster = create::ensure(&data_dir, &programs, &owner, options.durability).await?;
        let cluster_lock = lock::lock_cluster(&cluster)?;
        if !cluster.starts_with(&data_dir) {
            info!("the data lies in {}", cluster.display());
        }
        let sockets = SocketDir::prepare(&data_dir, &programs, &owner)?;
        let url = sockets.url();
        let version = programs.version.clone();
        let compression = settings::wal_compression(&programs, &owner, &cluster).await;
        let command = ServerCommand {
            flags: settings::flags(&options, version.major(), sockets.folder(), compression),
            start_log: data_dir.join("postgres-start.log"),
            programs,
            owner,
            cluster,
            sockets,
        };
        let supervisor = Supervisor::start(command).await?;
        let process_id = supervisor.process_id();
        let stopping = CancellationToken::new();
        Ok(Self {
            url,
            data_dir,
            version,
            process_id,
            supervisor: Some(tokio::spawn(supervisor.run(stopping.clone()))),
            stopping,
            _locks: [data_dir_lock, cluster_lock],
        })
    }

    /// The database's URL, as tokio-postgres reads it. It stays the same when the server is
    /// restarted.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The data directory, as an absolute path.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The version of the running PostgreSQL.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The server's process id; `None` while it is being restarted.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        Some(self.process_id.load(Ordering::Acquire)).filter(|id| *id != 0)
    }

    /// Shuts the server down: first a fast shutdown, which closes its connections; after half
    /// a minute an immediate one, which costs a recovery at the next start but no data.
    ///
    /// # Errors
    ///
    /// [`Error::Killed`] when the server had to be killed.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.stopping.cancel();
        match self.supervisor.take() {
            Some(supervisor) => supervisor.await.unwrap_or(Err(Error::SupervisorDied)),
            None => Ok(()),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// Fails if there is no cluster in a data directory.
///
/// # Errors
///
/// [`Error::NoCluster`], or an error of the file system.
pub fn require_cluster(data_dir: &Path) -> Result<(), Error> {
    match create::major(data_dir)? {
        Some(_) => Ok(()),
        None => Err(Error::NoCluster {
            path: data_dir.to_owned(),
        }),
    }
}

/// The URL of the database on a data directory that is in use.
pub fn running_url(data_dir: &Path) -> Option<String> {
    SocketDir::existing(data_dir).map(|sockets| sockets.url())
}

/// Creates the data directory if it is missing; returns its absolute path without symbolic links.
fn open_data_dir(path: &Path) -> Result<PathBuf, Error> {
    fs::create_dir_all(path).map_err(|source| owner::denied(path, source))?;
    path.canonicalize()
        .map_err(|source| owner::denied(path, source))
}
