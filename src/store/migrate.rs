//! Brings the tables up to date.

use diesel_async::{AsyncMigrationHarness, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{InvalidUrl, tls::Connector};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// Any number that nothing else in the database locks: replicas that start together migrate one
/// after the other.
const LOCK: &str = "SELECT pg_advisory_lock(7243094614412581)";

/// Why the tables could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The URL cannot be read.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// The database does not answer.
    #[error("the database does not answer")]
    Connect(#[from] diesel::ConnectionError),
    /// The lock could not be taken.
    #[error("the migration lock could not be taken")]
    Lock(#[source] diesel::result::Error),
    /// A migration failed.
    #[error("a migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Runs all migrations that have not run yet and returns their names. Must be called on a
/// runtime of several threads.
pub async fn migrate(url: &str) -> Result<Vec<String>, MigrateError> {
    let mut harness = harness(url).await?;
    let run = harness
        .run_pending_migrations(MIGRATIONS)
        .map_err(MigrateError::Migration)?;
    Ok(run.iter().map(ToString::to_string).collect())
}

/// Takes all migrations back, and with them all data.
pub async fn revert_all(url: &str) -> Result<(), MigrateError> {
    let mut harness = harness(url).await?;
    harness
        .revert_all_migrations(MIGRATIONS)
        .map_err(MigrateError::Migration)?;
    Ok(())
}

/// A harness over a connection that holds the lock; both end with it.
async fn harness(
    url: &str,
) -> Result<AsyncMigrationHarness<diesel_async::AsyncPgConnection>, MigrateError> {
    let connector = Connector::new(url).map_err(InvalidUrl::from)?;
    let (mut connection, _) = connector.connect().await?;
    connection
        .batch_execute(LOCK)
        .await
        .map_err(MigrateError::Lock)?;
    Ok(AsyncMigrationHarness::new(connection))
}
