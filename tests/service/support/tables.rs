//! The tables, read and written directly.

use tokio_postgres::Client;

use super::{Server, postgres, runtime};

/// A connection to a database.
pub(crate) async fn connect(url: &str) -> Client {
    let url = url.to_owned();
    let connect = async move { postgres::connect(&url).await };
    runtime().spawn(connect).await.unwrap().unwrap()
}

/// A connection to the database of the shared server.
pub(crate) async fn shared() -> Client {
    connect(&Server::shared().await.database_url).await
}

/// The number of a tenant, if it exists.
pub(crate) async fn tenant_id(client: &Client, tenant: &str) -> Option<i32> {
    let text = "SELECT tenant_id FROM tenants WHERE name = $1";
    let row = client.query_opt(text, &[&tenant]).await.unwrap();
    row.map(|row| row.get(0))
}
