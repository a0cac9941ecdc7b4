//! Our database in the running server.

use std::{path::Path, time::Duration};

use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls};

use super::{Error, create::SUPERUSER, programs::Packages, sockets::PORT};

/// The database that every cluster has.
const MAINTENANCE: &str = "postgres";

/// How long one attempt to connect may take: a stopped server accepts and says nothing.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Whether the server takes connections now.
pub(super) async fn answers(sockets: &Path) -> bool {
    let attempt = timeout(CONNECT_PATIENCE, connect(sockets));
    matches!(attempt.await, Ok(Ok(_)))
}

/// Creates the database if it is not there, and checks that the extensions it needs are.
pub(super) async fn prepare(sockets: &Path, major: u32) -> Result<(), Error> {
    let client = connect(sockets).await?;
    let exists = "SELECT 1 FROM pg_database WHERE datname = $1";
    if client.query_opt(exists, &[&SUPERUSER]).await?.is_none() {
        client
            .batch_execute(&format!("CREATE DATABASE {SUPERUSER}"))
            .await?;
    }
    let extensions = "SELECT count(*) FROM pg_available_extensions \
                      WHERE name IN ('pg_trgm', 'btree_gin')";
    let available: i64 = client.query_one(extensions, &[]).await?.get(0);
    if available < 2 {
        return Err(Error::ExtensionsMissing {
            packages: Packages::of(major),
        });
    }
    Ok(())
}

async fn connect(sockets: &Path) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    config
        .host_path(sockets)
        .port(PORT)
        .user(SUPERUSER)
        .dbname(MAINTENANCE);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
