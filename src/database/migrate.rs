//! The command `migrate`.

use std::time::Duration;

use super::{Error, Migrates, ServedDatabase};
use crate::{config::MigrateOptions, store};

/// Migrates the tables and, with `--distribute`, distributes them; returns a report.
///
/// # Errors
///
/// If the database cannot be used, or a step fails.
pub async fn migrate(options: &MigrateOptions) -> Result<String, Error> {
    let database = ServedDatabase::open(&options.database).await?;
    let migrated = migrate_database(&database, options).await;
    database.close().await?;
    migrated
}

async fn migrate_database(
    database: &ServedDatabase,
    options: &MigrateOptions,
) -> Result<String, Error> {
    let lock_wait = options.database.migration_wait;
    let migrates = Migrates::WithLockIn(lock_wait);
    let migrated = database.prepare(Duration::ZERO, migrates).await?;
    let mut result = match migrated.is_empty() {
        true => "The database is up to date.".to_owned(),
        false => format!("Migrated: {}.", migrated.join(", ")),
    };
    if options.distribute {
        let distributed = store::distribute(&database.url, lock_wait).await;
        let distributed = distributed.map_err(|source| Error::Migrate {
            database: database.name.clone(),
            source,
        })?;
        result += &match distributed.is_empty() {
            true => "\nAll tables were distributed before.".to_owned(),
            false => format!("\nDistributed by tenant: {}.", distributed.join(", ")),
        };
    }
    Ok(result)
}
