//! The database: the only module with queries. One function per statement, which takes the
//! connection or the transaction first. Longer statements are files in `store/sql/`.

// What is stored.
pub mod contacts;
pub(crate) mod imports;
pub mod mailing_groups;
pub mod memberships;
pub(crate) mod requests;
pub(crate) mod segments;
pub mod sets;

// Writing under the tenant's lock, and the log of it.
mod transaction;

pub mod log;
pub(crate) mod tenants;

// Connections and statements.
mod connection;
mod migrate;
mod sql;
mod target;
mod tls;

use std::{sync::Arc, time::Duration};

use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool::Pool,
    },
};
use futures_util::FutureExt;

pub(crate) use self::{
    connection::Connection,
    transaction::{NumbersExhausted, Transaction},
};
pub use self::{
    migrate::{MigrateError, migrate, revert_all},
    target::Target,
    tls::ConnectError,
    transaction::now,
};
use self::{tenants::TenantCache, tls::Connector};
use crate::model::ContactSet;

/// Settings of every connection. The time limits are for the case that the client cannot cancel a
/// statement. `client_connection_check_interval` ends a statement soon after its client disconnects;
/// `plan_cache_mode` stays automatic. Statements and checks of foreign keys are planned once, often
/// while a table is nearly empty, and a plan with a sequential scan would be kept while the table
/// grows; every key starts with the tenant, so there is always an index to use.
const SESSION: &str = "SET statement_timeout = '10min'; \
    SET idle_in_transaction_session_timeout = '30s'; \
    SET client_connection_check_interval = '1s'; \
    SET enable_seqscan = off; \
    SET jit = off";

/// The database: a bounded pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: Pool<AsyncPgConnection>,
    health_pool: Pool<AsyncPgConnection>,
    wait: Duration,
    connector: Connector,
    tenants: Arc<TenantCache>,
}

/// The database cannot be reached, or all connections are in use.
#[derive(Debug, thiserror::Error)]
#[error("no database connection")]
pub(crate) struct Unavailable(#[source] pub(crate) Box<dyn std::error::Error + Send + Sync>);

/// A database URL that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the database URL is not valid; write postgres://user:password@host:5432/database")]
pub struct InvalidUrl(#[from] tokio_postgres::Error);

impl Store {
    /// Creates a pool of at most `connections`, and one connection for health checks. A caller waits
    /// at most `wait` for a connection. Does not connect yet.
    pub fn new(url: &str, connections: usize, wait: Duration) -> Result<Self, InvalidUrl> {
        let connector = Connector::new(url)?;
        Ok(Self {
            pool: pool(url, &connector, connections),
            health_pool: pool(url, &connector, 1),
            wait,
            connector,
            tenants: Arc::default(),
        })
    }

    /// Takes a connection. The time limit covers waiting for a free one and connecting.
    pub(crate) async fn connection(&self) -> Result<Connection, Unavailable> {
        self.take_from(&self.pool).await
    }

    /// Takes the connection for health checks: a busy pool does not mean that the database is away.
    pub(crate) async fn health_connection(&self) -> Result<Connection, Unavailable> {
        self.take_from(&self.health_pool).await
    }

    async fn take_from(&self, pool: &Pool<AsyncPgConnection>) -> Result<Connection, Unavailable> {
        match tokio::time::timeout(self.wait, pool.get()).await {
            Ok(Ok(object)) => Ok(Connection::new(object, self.connector.clone())),
            Ok(Err(error)) => Err(Unavailable(error.into())),
            Err(_) => Err(Unavailable("no connection in time".into())),
        }
    }

    /// The size of the pool.
    pub(crate) fn max_connections(&self) -> usize {
        self.pool.status().max_size
    }

    /// Closes all idle connections: one of them turned out to be broken, so the others may be too.
    pub(crate) fn clear_idle(&self) {
        self.pool.retain(|_, _| false);
    }

    /// The cache of tenants.
    pub(crate) fn tenants(&self) -> &TenantCache {
        &self.tenants
    }
}

fn pool(url: &str, connector: &Connector, connections: usize) -> Pool<AsyncPgConnection> {
    let manager = AsyncDieselConnectionManager::new_with_config(url, manager(connector));
    Pool::builder(manager)
        .max_size(connections)
        .build()
        .expect("no timeouts, which would need a runtime")
}

fn manager(connector: &Connector) -> ManagerConfig<AsyncPgConnection> {
    let connector = connector.clone();
    let mut config = ManagerConfig::default();
    // A `SELECT 1` before every use would double the cost of a short one; see `clear_idle`.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_| {
        let connector = connector.clone();
        async move {
            let mut connection = connector.connect().await?;
            let set = connection.batch_execute(SESSION).await;
            set.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(connection)
        }
        .boxed()
    });
    config
}

/// The numbers of a set, as an array for PostgreSQL.
fn numbers(set: &ContactSet) -> Vec<i32> {
    set.iter().map(u32::cast_signed).collect()
}
