//! How it is kept: the only room that writes queries. One statement a function, the connection
//! or the transaction first, Diesel's own result type.

pub(crate) mod changes;
mod connection;
pub mod contacts;
pub mod export;
pub(crate) mod history;
pub(crate) mod imports;
pub mod mailing_groups;
pub mod memberships;
mod migrate;
pub(crate) mod requests;
pub(crate) mod segments;
pub mod selection;
mod sql;
mod target;
pub(crate) mod tenants;
mod tls;
mod transaction;

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
    transaction::{Spent, Transaction},
};
pub use self::{
    migrate::{MigrateError, migrate, revert_all},
    target::Target,
    tls::ConnectError,
    transaction::now,
};
use self::{tenants::Tenants, tls::Connector};
use crate::model::ContactSet;

/// What every connection is told first: belts for the case that the program cannot cancel what
/// it started. `client_connection_check_interval` lets a statement end soon after its client is
/// gone; `plan_cache_mode` stays automatic. Statements and the checks of foreign keys are planned
/// once, often while a table is nearly empty: a plan that reads it from end to end would be kept
/// while it grows. Every key starts with the tenant, so there is always an index to go by.
const SESSION: &str = "SET statement_timeout = '10min'; \
    SET idle_in_transaction_session_timeout = '30s'; \
    SET client_connection_check_interval = '1s'; \
    SET enable_seqscan = off; \
    SET jit = off";

/// The database: a bounded pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: Pool<AsyncPgConnection>,
    spare: Pool<AsyncPgConnection>,
    wait: Duration,
    connector: Connector,
    tenants: Arc<Tenants>,
}

/// The database cannot be reached now, or all connections are taken.
#[derive(Debug, thiserror::Error)]
#[error("no database connection")]
pub(crate) struct Unavailable(#[source] pub(crate) Box<dyn std::error::Error + Send + Sync>);

/// A database URL that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the database URL is not valid; write postgres://user:password@host:5432/database")]
pub struct InvalidUrl(#[from] tokio_postgres::Error);

impl Store {
    /// Prepares a pool of at most `connections` and a spare one; a caller waits at most `wait` for one of them.
    /// Nothing is connected yet.
    pub fn new(url: &str, connections: usize, wait: Duration) -> Result<Self, InvalidUrl> {
        let connector = Connector::new(url)?;
        Ok(Self {
            pool: pool(url, &connector, connections),
            spare: pool(url, &connector, 1),
            wait,
            connector,
            tenants: Arc::default(),
        })
    }

    /// Takes a connection, waiting for a free one and for the database's answer together no
    /// longer than was said.
    pub(crate) async fn connection(&self) -> Result<Connection, Unavailable> {
        self.take_from(&self.pool).await
    }

    /// Takes the connection that is kept for asking whether the database answers: that all
    /// others are taken does not mean that it is away.
    pub(crate) async fn spare_connection(&self) -> Result<Connection, Unavailable> {
        self.take_from(&self.spare).await
    }

    async fn take_from(&self, pool: &Pool<AsyncPgConnection>) -> Result<Connection, Unavailable> {
        match tokio::time::timeout(self.wait, pool.get()).await {
            Ok(Ok(object)) => Ok(Connection::new(object, self.connector.clone())),
            Ok(Err(error)) => Err(Unavailable(error.into())),
            Err(_) => Err(Unavailable("no connection in time".into())),
        }
    }

    /// The most connections there may be.
    pub(crate) fn max_connections(&self) -> usize {
        self.pool.status().max_size
    }

    /// Forgets all idle connections: one of them turned out to be dead, so the others may be.
    pub(crate) fn forget_idle(&self) {
        self.pool.retain(|_, _| false);
    }

    /// The tenants seen so far.
    pub(crate) fn tenants(&self) -> &Tenants {
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
    // A `SELECT 1` before every use would double the cost of a short one; see `forget_idle`.
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

/// The numbers of a set as PostgreSQL takes them.
fn numbers(set: &ContactSet) -> Vec<i32> {
    set.iter().map(u32::cast_signed).collect()
}
