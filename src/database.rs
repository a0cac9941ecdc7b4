//! The database that is served: an existing one named by a URL, or a private one that stops with
//! the program.

mod check;
mod migrate;
mod open_store;

use std::{io, time::Duration};

use tokio::time::{Instant, sleep};

pub use self::{check::check, migrate::migrate};
use crate::{
    config::{DatabaseChoice, DatabaseOptions},
    postgres::{self, Cluster, Durability},
    store::{
        self, ConnectError, Inspection, InvalidUrl, MigrateError, Target, UnmetRequirement,
        check::CheckError,
    },
};

/// The pause between two attempts to connect.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How often a warning repeats that the database is not available.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// Why the database cannot be used. Each message names the database and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The private PostgreSQL does not run.
    #[error(transparent)]
    Private(#[from] postgres::Error),
    /// The file with the URL is of no use.
    #[error("--database-url-file")]
    UrlFile(#[source] io::Error),
    /// The file with the URL of the replica is of no use.
    #[error("--read-database-url-file")]
    ReplicaUrlFile(#[source] io::Error),
    /// The URL cannot be parsed.
    #[error("{origin}")]
    Url {
        /// Where the URL comes from.
        origin: &'static str,
        /// What is wrong.
        source: InvalidUrl,
    },
    /// The database refuses the connection for a reason that does not pass.
    #[error(
        "{database} refuses the connection: {source}; check the URL, which looks like \
         postgres://user:password@host:5432/database"
    )]
    Refused {
        /// Its name.
        database: String,
        /// The reason.
        source: ConnectError,
    },
    /// The database is not available.
    #[error("the database does not answer: {database}: {source}")]
    Unavailable {
        /// Its name.
        database: String,
        /// The last failure.
        source: ConnectError,
    },
    /// It must be migrated and refuses writes.
    #[error("{database} is read-only, and its tables are not up to date")]
    ReadOnly {
        /// Its name.
        database: String,
    },
    /// It does not meet all requirements.
    #[error("{database}: {}", join(.unmet))]
    Unsuitable {
        /// Its name.
        database: String,
        /// What it lacks.
        unmet: Vec<UnmetRequirement>,
    },
    /// A check could not be completed.
    #[error("{database} cannot be checked")]
    Check {
        /// Its name.
        database: String,
        /// The failure.
        source: CheckError,
    },
    /// A migration failed.
    #[error("{database}")]
    Migrate {
        /// Its name.
        database: String,
        /// The failure.
        source: MigrateError,
    },
}

/// Whether the tables are brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrates {
    /// They must be up to date.
    No,
    /// Yes; another process that migrates is waited for this long.
    WithLockIn(Duration),
}

/// An open database.
pub struct ServedDatabase {
    url: String,
    name: String,
    target: Target,
    cluster: Option<Cluster>,
}

impl ServedDatabase {
    /// Parses the URL that is chosen, or starts the private PostgreSQL.
    ///
    /// # Errors
    ///
    /// If the URL is invalid or the private PostgreSQL cannot run.
    pub async fn open(options: &DatabaseOptions) -> Result<Self, Error> {
        match options.choice().map_err(Error::UrlFile)? {
            DatabaseChoice::Url { url, origin } => Self::named(url, origin),
            DatabaseChoice::Private(data_dir) => {
                let options = postgres::Options {
                    data_dir,
                    durability: Durability::Full,
                    max_connections: u32::from(options.database_connections) + 16,
                };
                Self::private(Cluster::start(options).await?)
            }
        }
    }

    /// As [`Self::open`], for a look at what is there: a private PostgreSQL may be in use by a service,
    /// and is not created.
    ///
    /// # Errors
    ///
    /// As [`Self::open`], and if there is no private PostgreSQL.
    pub async fn open_existing(options: &DatabaseOptions) -> Result<Self, Error> {
        let DatabaseChoice::Private(data_dir) = options.choice().map_err(Error::UrlFile)? else {
            return Self::open(options).await;
        };
        postgres::require_cluster(&data_dir)?;
        match (Self::open(options).await, postgres::running_url(&data_dir)) {
            (Err(Error::Private(postgres::Error::InUse { .. })), Some(url)) => {
                Self::named(url, "the service that runs it")
            }
            (opened, _) => opened,
        }
    }

    fn named(url: String, origin: &'static str) -> Result<Self, Error> {
        let target = Target::new(&url).map_err(|source| Error::Url { origin, source })?;
        let name = format!("{target} (from {origin})");
        tracing::info!("using {name}");
        Ok(Self {
            url,
            name,
            target,
            cluster: None,
        })
    }

    fn private(cluster: Cluster) -> Result<Self, Error> {
        let url = cluster.url().to_owned();
        let origin = "the private PostgreSQL";
        let target = Target::new(&url).map_err(|source| Error::Url { origin, source })?;
        let (data_dir, version) = (cluster.data_dir().display(), cluster.version());
        Ok(Self {
            url,
            name: format!("{data_dir} (private PostgreSQL {version})"),
            target,
            cluster: Some(cluster),
        })
    }

    /// The URL, which may contain a password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it is and where, without credentials.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until the database answers, for at most `wait`, checks that it is suitable, and brings
    /// its tables up to date if `migrates`. Returns the names of the migrations that ran.
    ///
    /// # Errors
    ///
    /// At once if the database refuses for a reason that does not pass, or is not suitable; after
    /// `wait` if it is not available.
    pub async fn prepare(&self, wait: Duration, migrates: Migrates) -> Result<Vec<String>, Error> {
        let found = self.inspected(wait, migrates != Migrates::No).await?;
        let unmet = found.unmet(migrates != Migrates::No);
        if !unmet.is_empty() {
            let database = self.name.clone();
            return Err(Error::Unsuitable { database, unmet });
        }
        if let Some(newer) = &found.newer {
            tracing::warn!(
                "the tables are from a newer version (migration {newer}), which allows this one"
            );
        }
        let Migrates::WithLockIn(lock_wait) = migrates else {
            return Ok(Vec::new());
        };
        // Without pending migrations nothing is locked or changed, so any role will do.
        if found.pending.is_empty() {
            return Ok(Vec::new());
        }
        tracing::info!("migrating the database: {}", found.pending.join(", "));
        let migrated = store::migrate(&self.url, lock_wait).await;
        migrated.map_err(|source| Error::Migrate {
            database: self.name.clone(),
            source,
        })
    }

    /// Checks that the database answers, and that its tables are those of this program.
    ///
    /// # Errors
    ///
    /// If not.
    async fn require_tables(&self) -> Result<(), Error> {
        let found = self.inspected(Duration::ZERO, false).await?;
        let mut unmet = found.unmet(false);
        // Reading takes fewer privileges.
        unmet.retain(|it| !matches!(it, UnmetRequirement::Privileges { .. }));
        // Of a newer version there may be rules that this one does not know.
        if unmet.is_empty() {
            unmet.extend(found.newer.map(UnmetRequirement::Newer));
        }
        match unmet.is_empty() {
            true => Ok(()),
            false => Err(Error::Unsuitable {
                database: self.name.clone(),
                unmet,
            }),
        }
    }

    /// Inspects the database as soon as it answers and, if it has to be migrated, accepts writes.
    async fn inspected(&self, wait: Duration, migrates: bool) -> Result<Inspection, Error> {
        let start = Instant::now();
        let mut warn_at = start;
        loop {
            let failure = match self.inspect(migrates).await {
                Ok(found) => return Ok(found),
                Err(failure) => failure,
            };
            let now = Instant::now();
            if matches!(failure, Error::Refused { .. }) || now + RETRY_INTERVAL > start + wait {
                return Err(failure);
            }
            if now >= warn_at {
                tracing::warn!("{failure}; trying again for {wait:?}");
                warn_at = now + WARNING_INTERVAL;
            }
            sleep(RETRY_INTERVAL).await;
        }
    }

    async fn inspect(&self, migrates: bool) -> Result<Inspection, Error> {
        let database = self.name.clone();
        match self.target.inspect().await {
            Ok(found) if migrates && found.is_read_only && !found.pending.is_empty() => {
                Err(Error::ReadOnly { database })
            }
            Ok(found) => Ok(found),
            Err(source) if source.is_permanent() => Err(Error::Refused { database, source }),
            Err(source) => Err(Error::Unavailable { database, source }),
        }
    }

    /// Stops the private PostgreSQL.
    ///
    /// # Errors
    ///
    /// If it does not stop.
    pub async fn close(self) -> Result<(), Error> {
        match self.cluster {
            Some(cluster) => Ok(cluster.stop().await?),
            None => Ok(()),
        }
    }
}

fn join(unmet: &[UnmetRequirement]) -> String {
    let texts: Vec<_> = unmet.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
