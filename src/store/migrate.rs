//! Brings the tables up to date.

mod distribute;

use std::time::Duration;

use diesel::{
    migration::{Migration, MigrationSource},
    pg::Pg,
};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

pub use self::distribute::NotDistributable;
use super::{ConnectError, InvalidUrl, connector::Connector, session::SESSION};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// Diesel's table of the migrations that have run.
pub(super) const TABLE: &str = "__diesel_schema_migrations";

/// Any number that nothing else in the database locks: replicas that start together migrate one
/// after the other.
const LOCK: i64 = 7_243_094_614_412_581;

/// How often the lock is tried. A waiting statement would outlive a program that is killed.
const LOCK_INTERVAL: Duration = Duration::from_millis(200);

/// A migration may take longer than any statement of the service.
const MIGRATION_SESSION: &str = "SET statement_timeout = 0; SET lock_timeout = 0; \
    SET idle_in_transaction_session_timeout = 0";

/// Why the tables could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The URL cannot be read.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// The database does not answer.
    #[error("the database does not answer")]
    Connect(#[from] ConnectError),
    /// Another process holds the lock.
    #[error("{holder} still holds the migration lock after {waited:?}")]
    Locked {
        /// Its backend.
        holder: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A migration failed.
    #[error("a migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database is not one that can be distributed.
    #[error("the tables cannot be distributed: {0}")]
    Distribute(NotDistributable),
    /// Citus refused something.
    #[error("distributing the tables failed")]
    Distribution(#[source] tokio_postgres::Error),
}

/// Runs all migrations that have not run yet and returns their names. Waits at most `lock_wait` for
/// another process that migrates. Must be called on a runtime of several threads.
pub async fn migrate(url: &str, lock_wait: Duration) -> Result<Vec<String>, MigrateError> {
    let mut harness = harness(url, lock_wait).await?;
    let run = harness
        .run_pending_migrations(MIGRATIONS)
        .map_err(MigrateError::Migration)?;
    let run: Vec<_> = run.iter().map(ToString::to_string).collect();
    if !run.is_empty() {
        distribute::distribute_new(&mut client(url).await?).await?;
    }
    Ok(run)
}

/// Distributes the tables by tenant over the workers of Citus, and returns those that were not distributed
/// yet. Waits at most `lock_wait` for another process that migrates.
pub async fn distribute(url: &str, lock_wait: Duration) -> Result<Vec<String>, MigrateError> {
    let mut client = client(url).await?;
    lock(&client, lock_wait).await?;
    distribute::distribute(&mut client).await
}

/// The versions and names of all migrations, in order.
pub(super) fn known() -> Vec<(String, String)> {
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS
        .migrations()
        .expect("embedded migrations are not read");
    let mut known: Vec<_> = migrations
        .iter()
        .map(|migration| {
            let name = migration.name();
            (name.version().to_string(), name.to_string())
        })
        .collect();
    known.sort_unstable();
    known
}

/// A harness over a connection that holds the lock; both end with it.
async fn harness(
    url: &str,
    lock_wait: Duration,
) -> Result<AsyncMigrationHarness<AsyncPgConnection>, MigrateError> {
    let client = client(url).await?;
    lock(&client, lock_wait).await?;
    let connection = AsyncPgConnection::try_from(client)
        .await
        .map_err(|error| MigrateError::Migration(error.into()))?;
    Ok(AsyncMigrationHarness::new(connection))
}

/// A connection for statements that may take long.
async fn client(url: &str) -> Result<Client, MigrateError> {
    let connector = Connector::new(url)?;
    let (client, _) = connector.open().await?;
    let session = format!("{SESSION}; {MIGRATION_SESSION}");
    client
        .batch_execute(&session)
        .await
        .map_err(ConnectError::Driver)?;
    Ok(client)
}

/// Takes the lock of the session.
async fn lock(client: &Client, wait: Duration) -> Result<(), MigrateError> {
    let start = Instant::now();
    let mut reported = None;
    while !try_lock(client).await.map_err(ConnectError::Driver)? {
        let holder = holder(client).await.map_err(ConnectError::Driver)?;
        let waited = start.elapsed();
        if waited >= wait {
            let holder = holder.unwrap_or_else(|| "another process".to_owned());
            return Err(MigrateError::Locked {
                holder,
                waited: wait,
            });
        }
        if let Some(holder) = holder
            && reported.as_ref() != Some(&holder)
        {
            tracing::warn!("{holder} holds the migration lock; waiting for it for up to {wait:?}");
            reported = Some(holder);
        }
        sleep(LOCK_INTERVAL).await;
    }
    Ok(())
}

async fn try_lock(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let row = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]);
    Ok(row.await?.get(0))
}

/// Which backend holds the lock; none if it was released since.
async fn holder(client: &Client) -> Result<Option<String>, tokio_postgres::Error> {
    const HOLDER: &str = "SELECT format('the backend %s of %s (application %s)', pid, \
            coalesce(usename, 'an unknown role'), coalesce(nullif(application_name, ''), 'unnamed')) \
        FROM pg_locks JOIN pg_stat_activity USING (pid) \
        WHERE locktype = 'advisory' AND granted AND objsubid = 1 \
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
            AND (classid::bigint << 32 | objid::bigint) = $1";
    let row = client.query_opt(HOLDER, &[&LOCK]).await?;
    Ok(row.map(|row| row.get(0)))
}
