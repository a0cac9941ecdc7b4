//! The database that is served: an existing one named by a URL, or a private one that stops with
//! the program.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    config::{DatabaseChoice, DatabaseOptions},
    postgres::{self, Cluster, Durability},
    store::{self, ConnectError, InvalidUrl, MigrateError, Target},
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
    /// The tables do not exist.
    #[error("{database}: the tables are missing; run `mailing-groups migrate`")]
    NotMigrated {
        /// Its name.
        database: String,
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
        match options.choice() {
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

    /// Waits until the database answers, for at most `limit`, and returns whether its tables
    /// exist.
    ///
    /// # Errors
    ///
    /// At once if it refuses for a reason that does not pass; after `limit` if it is not
    /// available.
    pub async fn available(&self, limit: Duration) -> Result<bool, Error> {
        let start = Instant::now();
        let mut warn_at = start;
        loop {
            let database = || self.name.clone();
            let source = match self.target.has_tables().await {
                Ok(tables) => return Ok(tables),
                Err(source) => source,
            };
            let now = Instant::now();
            if source.is_permanent() {
                let database = database();
                return Err(Error::Refused { database, source });
            }
            if now + RETRY_INTERVAL > start + limit {
                let database = database();
                return Err(Error::Unavailable { database, source });
            }
            if now >= warn_at {
                let name = self.name();
                tracing::warn!("{name} does not answer yet: {source}; trying again for {limit:?}");
                warn_at = now + WARNING_INTERVAL;
            }
            sleep(RETRY_INTERVAL).await;
        }
    }

    /// Runs the migrations that have not run yet and returns their names.
    ///
    /// # Errors
    ///
    /// If one fails.
    pub async fn migrate(&self) -> Result<Vec<String>, Error> {
        let migrated = store::migrate(&self.url).await;
        migrated.map_err(|source| Error::Migrate {
            database: self.name.clone(),
            source,
        })
    }

    /// The error of a database without tables.
    pub fn not_migrated(&self) -> Error {
        Error::NotMigrated {
            database: self.name.clone(),
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
