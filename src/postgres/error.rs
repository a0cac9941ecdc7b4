//! What can go wrong with a PostgreSQL of our own, and what to do about it.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use super::programs::{OLDEST, Packages, Version};

/// Why the private PostgreSQL does not run. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No `initdb` and `postgres` were found anywhere.
    #[error(
        "PostgreSQL is not installed on this machine; install it ({packages}), or name an existing \
         server with --database-url"
    )]
    NotInstalled {
        /// What to install.
        packages: Packages,
    },
    /// Only versions too old to be used were found.
    #[error(
        "the newest PostgreSQL installed here is {found}, but {OLDEST} or newer is needed; install \
         one ({packages}), or name an existing server with --database-url"
    )]
    TooOld {
        /// The newest version found.
        found: Version,
        /// What to install.
        packages: Packages,
    },
    /// The cluster was made by another major version than the installed ones.
    #[error(
        "the data in {} was written by PostgreSQL {major}, and only {found} is installed here; \
         install that version ({packages})", cluster.display()
    )]
    OtherVersion {
        /// The cluster.
        cluster: PathBuf,
        /// The major version it needs.
        major: u32,
        /// The versions found.
        found: String,
        /// What to install.
        packages: Packages,
    },
    /// The server lacks extensions that its distribution packs apart.
    #[error(
        "PostgreSQL's extensions pg_trgm and btree_gin are not installed; install them ({packages})"
    )]
    ExtensionsMissing {
        /// What to install.
        packages: Packages,
    },
    /// Another service holds the lock.
    #[error(
        "{} is in use by another mailing-groups service; stop that one, or choose another folder \
         with --data-dir", data_dir.display()
    )]
    InUse {
        /// The folder both want.
        data_dir: PathBuf,
    },
    /// The folder or the cluster in it is another user's.
    #[error(
        "{} belongs to the user {owner}, and this is {user}; run as {owner} or as root, or choose \
         another folder with --data-dir", path.display()
    )]
    NotOurs {
        /// What was refused.
        path: PathBuf,
        /// Whose it is.
        owner: String,
        /// Who asked.
        user: String,
    },
    /// The system user that runs PostgreSQL cannot get at the cluster.
    #[error(
        "PostgreSQL runs as the user {user}, who cannot reach {}; move the data to a folder that \
         every user may pass through, or choose another one with --data-dir", path.display()
    )]
    Unreachable {
        /// The cluster.
        path: PathBuf,
        /// Who runs PostgreSQL.
        user: String,
    },
    /// We are root, and there is nobody to run PostgreSQL as.
    #[error(
        "PostgreSQL refuses to run as root, and neither a user postgres nor a user nobody exists; \
         create one, start as an ordinary user, or name a server with --database-url"
    )]
    NoUser,
    /// Something that is not a cluster lies in its place.
    #[error(
        "{} is not a PostgreSQL cluster; move it away, or choose another folder with --data-dir",
        path.display()
    )]
    NotACluster {
        /// What lies there.
        path: PathBuf,
    },
    /// The cluster lies elsewhere, and is not there.
    #[error(
        "{} points to {}, which is not there; bring it back, or remove the link to start with an \
         empty database", link.display(), target.display()
    )]
    ClusterGone {
        /// The symbolic link in the data directory.
        link: PathBuf,
        /// Where it points.
        target: PathBuf,
    },
    /// No folder has a path short enough for a Unix socket.
    #[error(
        "no folder for PostgreSQL's socket: set TMPDIR to one with a path shorter than {longest} bytes"
    )]
    NoSocketFolder {
        /// What would be short enough.
        longest: usize,
    },
    /// A file or folder could not be used.
    #[error("cannot use {}: {source}; check that it exists, is writable and has room", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A program could not be run.
    #[error("cannot run {}: {source}; check the PostgreSQL installation", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb could not create the cluster ({status}); it says:\n{output}")]
    InitDb {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote.
        output: String,
    },
    /// `initdb` did not end.
    #[error("initdb has not created the cluster within {waited:?}; check the disk and start again")]
    InitDbTimeout {
        /// How long it was given.
        waited: Duration,
    },
    /// The server ended while it was starting.
    #[error(
        "PostgreSQL ended while starting ({status}); the end of its log, which tells why:\n{log}"
    )]
    Exited {
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// The server runs and does not answer.
    #[error(
        "PostgreSQL has not answered within {waited:?}; the end of its log, which may tell why:\n{log}"
    )]
    NoAnswer {
        /// How long it was given.
        waited: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// The server answers, but our database could not be made in it.
    #[error("PostgreSQL runs, but its database could not be prepared ({source}); start again")]
    Database {
        /// Why not.
        #[from]
        source: tokio_postgres::Error,
    },
    /// A server of an earlier run cannot be ended.
    #[error(
        "process {process_id}, a PostgreSQL that an earlier run left at work on {}, does not end; \
         end it and start again", cluster.display()
    )]
    LeftoverStays {
        /// The process.
        process_id: i32,
        /// The cluster it works on.
        cluster: PathBuf,
    },
    /// Our server had to be killed.
    #[error(
        "PostgreSQL (process {process_id}) did not shut down and was killed; the next start recovers the data"
    )]
    WouldNotStop {
        /// The process.
        process_id: u32,
    },
    /// The task that watches over the server is gone: a bug.
    #[error("the supervisor of PostgreSQL died; the next start ends the server it left behind")]
    SupervisorDied,
}

impl Error {
    /// A file or folder that could not be used.
    pub(super) fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File {
            path: path.into(),
            source,
        }
    }
}
