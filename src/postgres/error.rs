//! Why the private PostgreSQL does not run, and what to do about it.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use super::programs::{OLDEST, Packages, Version};

/// A failure of the private PostgreSQL. Each message says what to do.
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
    /// No installed major version matches the one that created the cluster.
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
    /// Extensions that some distributions package separately are missing.
    #[error(
        "PostgreSQL's extensions pg_trgm and btree_gin are not installed; install them ({packages})"
    )]
    ExtensionsMissing {
        /// What to install.
        packages: Packages,
    },
    /// Another service holds the lock.
    #[error(
        "{} is in use by another mailing-groups service; stop that service, or choose another \
         directory with --data-dir", path.display()
    )]
    InUse {
        /// The data directory or the cluster.
        path: PathBuf,
    },
    /// There is no cluster, and none is to be created.
    #[error(
        "there is no database in {}; name one with --database-url or --data-dir", path.display()
    )]
    NoCluster {
        /// The data directory.
        path: PathBuf,
    },
    /// Another user owns the directory or the cluster in it.
    #[error(
        "{} belongs to the user {owner}, but the current user is {user}; run as {}, choose \
         another directory with --data-dir, or name a database with --database-url", path.display(), owner_or_root(owner)
    )]
    NotOurs {
        /// What cannot be used.
        path: PathBuf,
        /// Its owner.
        owner: String,
        /// The current user.
        user: String,
    },
    /// The system user that runs PostgreSQL cannot access the cluster.
    #[error(
        "PostgreSQL runs as the user {user}, who cannot access {}; move the data to a directory \
         below which every user may search, or choose another one with --data-dir", path.display()
    )]
    Unreachable {
        /// The cluster.
        path: PathBuf,
        /// The user that runs PostgreSQL.
        user: String,
    },
    /// The service runs as root, and there is no unprivileged user to run PostgreSQL.
    #[error(
        "PostgreSQL refuses to run as root, and neither a user postgres nor a user nobody exists; \
         create one, start as an ordinary user, or name a server with --database-url"
    )]
    NoUser,
    /// The cluster's place contains other files.
    #[error(
        "{} is not a PostgreSQL cluster; move it away, or choose another directory with --data-dir",
        path.display()
    )]
    NotACluster {
        /// Its place.
        path: PathBuf,
    },
    /// Another program created the cluster: the service's role cannot log in.
    #[error(
        "{} is a PostgreSQL cluster that mailing-groups did not create ({}); move it away, or \
         choose another directory with --data-dir",
        path.display(), source.as_db_error().map_or_else(|| source.to_string(), |e| e.message().to_owned())
    )]
    ForeignCluster {
        /// The cluster.
        path: PathBuf,
        /// Why the server refuses the role.
        source: tokio_postgres::Error,
    },
    /// The cluster's link has no target.
    #[error(
        "{} points to {}, which does not exist; restore it, or remove the link to start with an \
         empty database", link.display(), target.display()
    )]
    ClusterGone {
        /// The symbolic link in the data directory.
        link: PathBuf,
        /// Where it points.
        target: PathBuf,
    },
    /// No directory has a path short enough for a Unix socket.
    #[error(
        "no directory for PostgreSQL's socket: set TMPDIR to one with a path shorter than {longest} bytes"
    )]
    NoSocketFolder {
        /// Maximum length of TMPDIR in bytes.
        longest: usize,
    },
    /// A file or directory could not be used.
    #[error("cannot use {}: {source}; check that it exists, is writable and has room", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A program could not be run.
    #[error("cannot run {}: {source}; check the PostgreSQL installation", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb could not create the cluster ({status}); it says:\n{output}")]
    InitDb {
        /// Its exit status.
        status: ExitStatus,
        /// The end of its output.
        output: String,
    },
    /// `initdb` exceeded its time limit.
    #[error("initdb has not created the cluster within {waited:?}; check the disk and start again")]
    InitDbTimeout {
        /// The time limit.
        waited: Duration,
    },
    /// The server exited while starting.
    #[error("PostgreSQL exited while starting ({status}); the end of its log:\n{log}")]
    Exited {
        /// Its exit status.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// The server runs but does not accept connections.
    #[error("PostgreSQL did not accept connections within {waited:?}; the end of its log:\n{log}")]
    NoAnswer {
        /// The time limit.
        waited: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// The server runs, but its database could not be created.
    #[error("PostgreSQL runs, but its database could not be prepared ({source}); start again")]
    Database {
        /// The cause.
        #[from]
        source: tokio_postgres::Error,
    },
    /// A server of an earlier run cannot be stopped.
    #[error(
        "process {process_id}, a PostgreSQL of an earlier run on {}, cannot be stopped; stop it and \
         start again", cluster.display()
    )]
    OrphanRunning {
        /// The process.
        process_id: i32,
        /// Its cluster.
        cluster: PathBuf,
    },
    /// The server had to be killed.
    #[error(
        "PostgreSQL (process {process_id}) did not shut down and was killed; the next start recovers the data"
    )]
    Killed {
        /// The process.
        process_id: u32,
    },
    /// The supervisor task panicked: a bug.
    #[error(
        "the supervisor of PostgreSQL panicked; the next start stops the server it left running"
    )]
    SupervisorDied,
}

/// The users that may use what `owner` owns.
fn owner_or_root(owner: &str) -> String {
    match owner {
        "root" => "root".to_owned(),
        owner => format!("{owner} or as root"),
    }
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
