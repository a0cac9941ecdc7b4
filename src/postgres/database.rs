//! The service's database in the running server.

use std::{path::Path, time::Duration};

use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use super::{Error, create::SUPERUSER, programs::Packages, sockets::PORT};

/// The database that `initdb` creates.
const MAINTENANCE: &str = "postgres";

/// Time limit of a connection attempt: a suspended server accepts connections and never answers.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether the server accepts connections now. Fails if it refuses the service's role for good:
/// then another program created the cluster.
pub(super) async fn accepts_connections(sockets: &Path, cluster: &Path) -> Result<bool, Error> {
    match timeout(CONNECT_TIMEOUT, connect(sockets)).await {
        Ok(Err(error)) if is_authorization_failure(&error) => Err(Error::ForeignCluster {
            path: cluster.to_owned(),
            source: error,
        }),
        attempt => Ok(matches!(attempt, Ok(Ok(_)))),
    }
}

/// Whether the role does not exist or may not log in. These codes do not occur while a server
/// starts or recovers.
fn is_authorization_failure(error: &tokio_postgres::Error) -> bool {
    matches!(
        error.code(),
        Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION | &SqlState::INVALID_PASSWORD)
    )
}

/// Creates the database if it is missing, and checks that its extensions are installed.
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
