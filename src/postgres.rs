//! The private PostgreSQL that runs when no database is named.
//!
//! [`Cluster::start`] finds the installed server programs, creates a cluster once under the
//! data directory, starts it on a Unix socket in a private folder (no TCP port) and watches
//! over it: a server that dies is started again under the same URL. The data is the user's,
//! so the settings are durable ones unless a test asks otherwise.
//!
//! One job per file: `programs` finds `initdb` and `postgres`, `owner` settles which system
//! user runs them, `lock` keeps a second service out, `create` makes the cluster, `sockets`
//! the folder it listens in, `settings` the flags it runs with, `leftover` ends what an earlier
//! run left behind, `postmaster` is the running server, `supervisor` keeps it running,
//! `database` makes the database in it, `logs` keeps its logs few and quotes them.

mod create;
mod database;
mod error;
mod leftover;
mod lock;
mod logs;
mod owner;
mod postmaster;
mod processes;
mod programs;
mod settings;
mod sockets;
mod supervisor;

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

pub use self::{error::Error, programs::Version};
use self::{
    lock::Lock, owner::Owner, postmaster::Launch, programs::Programs, sockets::Sockets,
    supervisor::Supervisor,
};

/// What of a commit survives a crash of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Everything: for data that is somebody's.
    Full,
    /// Perhaps nothing: for tests, which throw the cluster away. When PostgreSQL alone is
    /// killed, the commits of the last fraction of a second may be lost.
    None,
}

/// How a [`Cluster`] is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that holds the cluster, its lock and its socket; created when absent.
    pub data_dir: PathBuf,
    /// What of a commit survives a crash of the machine.
    pub durability: Durability,
    /// PostgreSQL's `max_connections`: the pool's size and a few to spare.
    pub max_connections: u32,
}

/// A PostgreSQL server of our own.
///
/// It runs until [`Cluster::stop`]. Dropping it only asks the server to shut down, without
/// waiting; the next start on the same folder waits for that.
#[derive(Debug)]
pub struct Cluster {
    url: String,
    data_dir: PathBuf,
    version: Version,
    process_id: Arc<AtomicU32>,
    stopping: CancellationToken,
    supervisor: Option<JoinHandle<Result<(), Error>>>,
    _lock: Lock,
}

impl Cluster {
    /// Starts the cluster of `options.data_dir`, creating it the first time, and returns once
    /// it answers.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed or has the wrong version, when another service or
    /// another user has the folder, and when the server cannot be started; each [`Error`]
    /// says what to do.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let data_dir = open_data_dir(&options.data_dir)?;
        let owner = Owner::of(&data_dir.join(create::NAME))?;
        let lock = lock::take(&data_dir)?;
        let programs = Programs::installed(create::major(&data_dir)?)?;
        let cluster = create::once(&data_dir, &programs, &owner, options.durability).await?;
        let sockets = Sockets::prepare(&data_dir, &programs, &owner)?;
        let url = sockets.url();
        let version = programs.version.clone();
        let compression = settings::wal_compression(&programs, &owner, &cluster).await;
        let launch = Launch {
            flags: settings::flags(&options, version.major(), sockets.folder(), compression),
            start_log: data_dir.join("postgres-start.log"),
            programs,
            owner,
            cluster,
            sockets,
        };
        let supervisor = Supervisor::start(launch).await?;
        let process_id = supervisor.process_id();
        let stopping = CancellationToken::new();
        Ok(Self {
            url,
            data_dir,
            version,
            process_id,
            supervisor: Some(tokio::spawn(supervisor.run(stopping.clone()))),
            stopping,
            _lock: lock,
        })
    }

    /// Where the database answers, as tokio-postgres reads it. Stays the same for the life of
    /// this value, also when the server is started again.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder everything lies in, as an absolute path.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The version of PostgreSQL that runs.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The process of the server, and nothing while it is being started again.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        Some(self.process_id.load(Ordering::Acquire)).filter(|id| *id != 0)
    }

    /// Shuts the server down: first in order, cutting its connections; when that takes longer
    /// than half a minute, at once, which costs a recovery at the next start but no data.
    ///
    /// # Errors
    ///
    /// [`Error::WouldNotStop`] when the server had to be killed.
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

/// Makes the data directory if need be; its absolute path without symbolic links.
fn open_data_dir(path: &Path) -> Result<PathBuf, Error> {
    fs::create_dir_all(path).map_err(|source| owner::denied(path, source))?;
    path.canonicalize()
        .map_err(|source| owner::denied(path, source))
}
