//! A private PostgreSQL in a folder.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

use mailing_groups::postgres::{Cluster, Durability, Options};
use tempfile::TempDir;
use tokio_postgres::{Client, Error, NoTls};

/// A new folder that other users can enter: root runs PostgreSQL as another user.
pub(crate) fn scratch() -> TempDir {
    scratch_in(&std::env::temp_dir())
}

/// As [`scratch`], in this folder.
pub(crate) fn scratch_in(folder: &Path) -> TempDir {
    let passable = Permissions::from_mode(0o755);
    let mut builder = tempfile::Builder::new();
    builder.prefix("mg-").permissions(passable);
    builder.tempdir_in(folder).unwrap()
}

/// The options of a cluster in this folder.
pub(crate) fn options(data_dir: &Path, durability: Durability) -> Options {
    Options {
        data_dir: data_dir.to_owned(),
        durability,
        max_connections: 400,
    }
}

/// Starts a cluster in this folder.
pub(crate) async fn start_cluster(data_dir: &Path, durability: Durability) -> Cluster {
    let options = options(data_dir, durability);
    Cluster::start(options).await.unwrap()
}

/// Connects to a database, on the current runtime.
pub(crate) async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
