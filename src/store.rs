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

// Whether all of it agrees.
pub mod check;

// Connections and statements.
mod certificates;
mod connector;
mod error;
pub(crate) mod health;
mod metrics;
mod migrate;
mod numbers;
mod passfile;
mod plan_invalidation;
mod pool;
mod replica;
mod requirements;
mod session;
mod silence;
mod sql;
mod sqlstate;
mod statements;
mod tap;
mod target;
mod tls;
mod url;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use diesel_async::AsyncPgConnection;

use self::{
    connector::Connector,
    metrics::{WaitEnd, WaitMetrics},
    pool::ConnectionPool,
    tenants::TenantCache,
    url::OPTIONS,
};
pub use self::{
    error::ConnectError,
    migrate::{MigrateError, NotDistributable, distribute, migrate},
    requirements::{Inspection, UnmetRequirement},
    target::Target,
    transaction::now,
};
pub(crate) use self::{
    error::{is_transient, is_unique_violation},
    numbers::NoNumber,
    pool::PooledConnection,
    replica::{Fallback, Replica},
    sqlstate::SqlState,
    transaction::Transaction,
};
use crate::{
    fair_semaphore::{FairPermit, FairSemaphore},
    model::{ContactSet, TenantId},
};

/// A connection on which queries run.
pub(crate) type Connection = AsyncPgConnection;

/// In place of a tenant's number, for what concerns all tenants or one whose number is not known yet.
pub(crate) const ALL_TENANTS: TenantId = 0;

/// The error of a query.
pub(crate) type QueryError = diesel::result::Error;

/// The database: a bounded pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: ConnectionPool,
    health_pool: ConnectionPool,
    /// For large reads.
    replica: Option<Replica>,
    /// The writes of a tenant wait here for each other: in the database each would hold a connection.
    write_permits: FairSemaphore,
    /// Pages, which PostgreSQL and this program compute for milliseconds.
    page_permits: FairSemaphore,
    wait: Duration,
    waits: WaitMetrics,
    tenants: Arc<TenantCache>,
}

/// The database cannot be reached, or all connections are in use.
#[derive(Debug, thiserror::Error)]
#[error("no database connection")]
pub(crate) struct Unavailable(#[source] pub(crate) Box<dyn std::error::Error + Send + Sync>);

/// A database URL that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidUrl {
    /// It does not begin as one.
    #[error("the database URL is not valid; write postgres://user:password@host:5432/database")]
    Scheme,
    /// The driver cannot parse it.
    #[error("the database URL is not valid; write postgres://user:password@host:5432/database")]
    Syntax(#[from] tokio_postgres::Error),
    /// No such option.
    #[error("the database URL has the option {0}; write one of: {options}", options = OPTIONS.join(", "))]
    Option(String),
    /// No such `sslmode`.
    #[error(
        "the database URL has sslmode={0}; write disable, allow, prefer, require, verify-ca or \
         verify-full"
    )]
    Mode(String),
    /// Only one of the client's certificate and its key is named.
    #[error("the database URL must have both sslcert and sslkey, or neither")]
    HalfOfAPair,
    /// A file cannot be used.
    #[error("the file {file} of {option} in the database URL cannot be used")]
    File {
        /// The option.
        option: &'static str,
        /// The file.
        file: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl InvalidUrl {
    fn file(
        option: &'static str,
        file: &str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::File {
            option,
            file: file.to_owned(),
            source: Box::new(source),
        }
    }
}

impl Store {
    /// Creates a pool of at most `connections`, and one connection for health checks. A caller waits
    /// at most `wait` for a connection. Does not connect yet.
    pub fn new(url: &str, connections: usize, wait: Duration) -> Result<Self, InvalidUrl> {
        let connector = Connector::new(url)?;
        let health_pool = ConnectionPool::new(&connector, 1, None);
        let is_idle = health_pool.idle_check(false);
        Ok(Self {
            pool: ConnectionPool::new(&connector, connections, Some(is_idle)),
            health_pool,
            replica: None,
            write_permits: FairSemaphore::new(usize::MAX, 1),
            page_permits: FairSemaphore::new(usize::MAX, connections.div_ceil(2)).leaving_a_core(),
            wait,
            waits: WaitMetrics::new(),
            tenants: Arc::default(),
        })
    }

    /// The same store, whose large reads go to the standby with this URL. Does not connect yet.
    pub fn with_replica(mut self, url: &str) -> Result<Self, InvalidUrl> {
        self.replica = Some(Replica::new(url, self.max_connections())?);
        Ok(self)
    }

    /// The standby for reads, if there is one.
    pub(crate) fn replica(&self) -> Option<&Replica> {
        self.replica.as_ref()
    }

    /// Takes a connection for a tenant. The time limit covers waiting for a free one and connecting.
    pub(crate) async fn connection(
        &self,
        tenant_id: TenantId,
    ) -> Result<PooledConnection, Unavailable> {
        let started = Instant::now();
        let taken = self.take_from(&self.pool, tenant_id).await;
        let end = match &taken {
            Ok(_) => WaitEnd::Connected,
            Err(_) if started.elapsed() >= self.wait => WaitEnd::TimedOut,
            Err(_) => WaitEnd::Failed,
        };
        self.waits.ended(end, started.elapsed());
        taken
    }

    /// Takes the connection for health checks: a busy pool does not mean that the database is away.
    pub(crate) async fn health_connection(&self) -> Result<PooledConnection, Unavailable> {
        self.take_from(&self.health_pool, ALL_TENANTS).await
    }

    async fn take_from(
        &self,
        pool: &ConnectionPool,
        tenant_id: TenantId,
    ) -> Result<PooledConnection, Unavailable> {
        match tokio::time::timeout(self.wait, pool.get(tenant_id)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(Unavailable(error.into())),
            Err(_) => Err(Unavailable("no connection in time".into())),
        }
    }

    /// Whether long writes go in several statements, as far as the database was connected to: Citus executes
    /// the parts of a statement that inserts one after the other, and copies what they hand on to every node.
    pub(crate) fn writes_in_steps(&self) -> bool {
        self.pool.has_citus()
    }

    /// Waits until a tenant's earlier writes of this server have ended. Taken before a connection.
    pub(crate) async fn write_permit(&self, tenant_id: TenantId) -> FairPermit {
        self.write_permits.acquire(tenant_id).await
    }

    /// Waits until a tenant may read another page. Taken before a connection.
    pub(crate) async fn page_permit(&self, tenant_id: TenantId) -> FairPermit {
        self.page_permits.acquire(tenant_id).await
    }

    /// Notes how many rows the tables have, always in the same order: plans depend on it.
    pub(crate) fn note_rows(&self, rows: Vec<i64>) {
        if let Some(replica) = &self.replica {
            replica.note_rows(rows.clone());
        }
        self.pool.note_rows(rows);
    }

    /// The size of the pool.
    pub(crate) fn max_connections(&self) -> usize {
        self.pool.size()
    }

    /// Closes all idle connections: one of them turned out to be broken, so the others may be too.
    pub(crate) fn clear_idle(&self) {
        self.pool.clear_idle();
        self.health_pool.clear_idle();
    }

    /// The cache of tenants.
    pub(crate) fn tenants(&self) -> &TenantCache {
        &self.tenants
    }
}

/// The numbers of a set, as an array for PostgreSQL.
fn numbers(set: &ContactSet) -> Vec<i32> {
    set.iter().map(u32::cast_signed).collect()
}
