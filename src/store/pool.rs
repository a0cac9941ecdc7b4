//! The connections, shared fairly by tenants.
//!
//! Connections belong to the pool. Its own tasks make them, and clean up those whose caller went
//! away, so that a caller's deadline never costs others a connection; a connection keeps its place
//! until its statement has ended, so there are never more than the pool's size.

mod connection;

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection, pooled_connection::PoolableConnection,
};
use tokio::sync::Semaphore;

pub(crate) use self::connection::PooledConnection;
use super::{
    ALL_TENANTS, ConnectError,
    connector::Connector,
    plan_invalidation::PlanInvalidation,
    session::{READ_ONLY, begin_session},
    silence::{self, IdleCheck},
    sqlstate::CurrentSqlState,
    statements::{restart_trace, traced},
};
use crate::{
    fair_semaphore::{FairPermit, FairSemaphore},
    model::TenantId,
};

/// How many connections are made at a time: more may not be accepted.
const MAX_CONNECTING: usize = 4;

/// How long a statement whose caller went away may go on before it is cancelled. To cancel takes a
/// connection, and another one in place of the closed one: more work than what most statements have
/// left, just when there is too much of it.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long it may take to cancel a statement before its connection is closed all the same.
const MAX_CANCEL_TIME: Duration = Duration::from_secs(1);

/// How long it may take to find out whether a backend is idle.
const MAX_CHECK_TIME: Duration = Duration::from_secs(1);

/// A bounded pool of connections. A tenant takes at most half of them.
#[derive(Clone)]
pub(super) struct ConnectionPool {
    connector: Connector,
    size: usize,
    semaphore: FairSemaphore,
    connecting: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<TappedConnection>>>,
    /// How often the idle connections were closed.
    clearings: Arc<AtomicUsize>,
    plan_invalidation: Arc<PlanInvalidation>,
    /// Whether the connection that was made last found Citus.
    has_citus: Arc<AtomicBool>,
    /// Finds silent connections.
    is_idle: Option<IdleCheck>,
    /// Settings of its connections beside those of every one.
    settings: &'static str,
}

/// A connection, and where its errors go.
struct TappedConnection {
    connection: AsyncPgConnection,
    current_sqlstate: CurrentSqlState,
    /// How often the idle connections had been closed when it was made.
    clearings: usize,
    /// How often plans had gone out of date when its statements were planned.
    planned_at: usize,
}

impl ConnectionPool {
    /// A pool of at most `size` connections, of which `is_idle` finds the silent ones. Does not connect
    /// yet.
    pub(super) fn new(connector: &Connector, size: usize, is_idle: Option<IdleCheck>) -> Self {
        Self {
            connector: connector.clone(),
            size,
            semaphore: FairSemaphore::new(size, size.div_ceil(2)),
            connecting: Arc::new(Semaphore::new(MAX_CONNECTING)),
            idle: Arc::default(),
            clearings: Arc::default(),
            plan_invalidation: Arc::default(),
            has_citus: Arc::default(),
            is_idle,
            settings: "",
        }
    }

    /// The same pool, whose connections only read.
    pub(super) fn read_only(mut self) -> Self {
        self.settings = READ_ONLY;
        self
    }

    /// Takes a connection, which may wait for a free one, or makes one.
    pub(super) async fn get(&self, tenant_id: TenantId) -> ConnectionResult<PooledConnection> {
        let permit = self.semaphore.acquire(tenant_id).await;
        if let Some(connection) = self.take_idle() {
            let mut connection = self.pooled(connection, permit);
            let planned = connection.discard_old_plans().await;
            planned.map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
            return Ok(connection);
        }
        let pool = self.clone();
        let made = tokio::spawn(async move {
            let made = pool.connect().await;
            made.map(|connection| pool.pooled(connection, permit))
        });
        made.await
            .unwrap_or_else(|error| Err(ConnectionError::BadConnection(error.to_string())))
    }

    /// Finds out on connections of this pool whether other backends are idle; `unanswered` if the
    /// database does not answer on those either.
    pub(super) fn idle_check(&self, unanswered: bool) -> IdleCheck {
        let pool = self.clone();
        Arc::new(move |backend| {
            let pool = pool.clone();
            let check = async move {
                let mut connection = pool.get(ALL_TENANTS).await.ok()?;
                let idle = silence::is_idle(&mut connection, backend).await.ok()?;
                connection.return_to_pool();
                Some(idle)
            };
            Box::pin(async move {
                let idle = tokio::time::timeout(MAX_CHECK_TIME, check).await;
                idle.ok().flatten().unwrap_or(unanswered)
            })
        })
    }

    /// Notes how many rows the tables have, always in the same order.
    pub(super) fn note_rows(&self, rows: Vec<i64>) {
        self.plan_invalidation.record(rows);
    }

    /// Whether the database has Citus, as far as it was connected to.
    pub(super) fn has_citus(&self) -> bool {
        self.has_citus.load(Ordering::Relaxed)
    }

    /// The maximum number of connections.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The connections that are idle and in use, and the callers that wait for one.
    pub(super) fn usage(&self) -> [usize; 3] {
        let (free, waiting) = self.semaphore.counts();
        [self.idle().len(), self.size - free, waiting]
    }

    /// Closes all idle connections.
    pub(super) fn clear_idle(&self) {
        self.clearings.fetch_add(1, Ordering::Relaxed);
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    fn take_idle(&self) -> Option<TappedConnection> {
        let mut idle = self.idle();
        // A `SELECT 1` before every use would double the cost of a short one; see `clear_idle`.
        std::iter::from_fn(|| idle.pop()).find_map(|mut tapped| {
            let is_broken = tapped.connection.is_broken();
            (!is_broken).then_some(tapped)
        })
    }

    async fn connect(&self) -> ConnectionResult<TappedConnection> {
        let _permit = self.connecting.acquire().await;
        let clearings = self.clearings.load(Ordering::Relaxed);
        let failed = |error: ConnectError| ConnectionError::BadConnection(error.to_string());
        let (client, handle) = self.connector.open().await.map_err(failed)?;
        let session = begin_session(&client, self.settings).await;
        let session = session.map_err(ConnectError::Driver).map_err(failed)?;
        self.has_citus.store(session.has_citus, Ordering::Relaxed);
        let current_sqlstate = handle.tap.current_sqlstate.clone();
        if let (Some(is_idle), Some(backend)) = (self.is_idle.clone(), session.backend) {
            silence::watch(handle.tap.traffic, handle.driver, backend, is_idle);
        }
        Ok(TappedConnection {
            connection: traced(AsyncPgConnection::try_from(client).await?),
            current_sqlstate,
            clearings,
            planned_at: self.plan_invalidation.count(),
        })
    }

    fn pooled(&self, connection: TappedConnection, permit: FairPermit) -> PooledConnection {
        PooledConnection {
            pool: self.clone(),
            sqlstate: connection.current_sqlstate.begin(),
            connection: Some((connection, permit)),
        }
    }

    /// Returns a connection whose caller went away if its statement ends soon; else cancels the
    /// statement and closes the connection.
    async fn recover(self, mut tapped: TappedConnection, permit: FairPermit) {
        restart_trace(&mut tapped.connection);
        tapped.current_sqlstate.begin();
        let token = tapped.connection.cancel_token();
        let ended = {
            // Whether a transaction is open is not known. A ROLLBACK without one, after most reads, would
            // add a warning to PostgreSQL's log. In a failed one BEGIN fails, and the connection is closed.
            let mut end = pin!(tapped.connection.batch_execute("BEGIN; ROLLBACK"));
            let ended = tokio::time::timeout(PATIENCE, &mut end).await;
            if ended.is_err() {
                let cancelled = async {
                    self.connector.cancel(&token).await;
                    let _ = end.await;
                };
                let _ = tokio::time::timeout(MAX_CANCEL_TIME, cancelled).await;
            }
            ended
        };
        match ended {
            // The call that failed on it may be the reason why the idle ones were closed.
            Ok(Ok(())) if tapped.clearings == self.clearings.load(Ordering::Relaxed) => {
                self.idle().push(tapped);
            }
            // PostgreSQL may get the request late: it would then cancel the next statement.
            Ok(Ok(()) | Err(_)) | Err(_) => drop(tapped),
        }
        drop(permit);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<TappedConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
