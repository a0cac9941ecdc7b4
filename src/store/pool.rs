//! The connections, shared fairly by tenants.
//!
//! Connections belong to the pool. Its own tasks make them, and clean up those whose caller went
//! away, so that a caller's deadline never costs others a connection; a connection keeps its place
//! until its statement has ended, so there are never more than the pool's size.

use std::{
    ops::{Deref, DerefMut},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection, pooled_connection::PoolableConnection,
};
use tokio::sync::Semaphore;

use super::{
    sqlstate::SqlState,
    tls::Connector,
    turns::{Turn, Turns},
};
use crate::model::TenantId;

/// Settings of every connection. The time limits are for the case that the client cannot cancel a
/// statement. `client_connection_check_interval` ends a statement soon after its client disconnects;
/// `plan_cache_mode` stays automatic. Statements and checks of foreign keys are planned once, often
/// while a table is nearly empty, and a plan with a sequential scan would be kept while the table
/// grows; every key starts with the tenant, so there is always an index to use. The rest is the
/// default of PostgreSQL, which a role or a database may have changed: at a stricter isolation level
/// concurrent writes would fail.
pub(super) const SESSION: &str = "SET statement_timeout = '10min'; \
    SET idle_in_transaction_session_timeout = '30s'; \
    SET client_connection_check_interval = '1s'; \
    SET enable_seqscan = off; \
    SET jit = off; \
    SET default_transaction_isolation = 'read committed'; \
    SET standard_conforming_strings = on";

/// How many connections are made at a time: more may not be accepted.
const MAX_CONNECTING: usize = 4;

/// How long a statement whose caller went away may go on before it is cancelled. To cancel takes a
/// connection, so it is for statements that take long.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long it may take to cancel a statement before its connection is closed all the same.
const MAX_CANCEL_TIME: Duration = Duration::from_secs(1);

/// A bounded pool of connections. A tenant takes at most half of them.
#[derive(Clone)]
pub(super) struct ConnectionPool {
    connector: Connector,
    size: usize,
    turns: Turns,
    connecting: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<TappedConnection>>>,
}

/// A connection, and the SQLSTATE of its last error.
struct TappedConnection {
    connection: AsyncPgConnection,
    sqlstate: SqlState,
}

impl ConnectionPool {
    /// A pool of at most `size` connections. Does not connect yet.
    pub(super) fn new(connector: &Connector, size: usize) -> Self {
        Self {
            connector: connector.clone(),
            size,
            turns: Turns::new(size, size.div_ceil(2)),
            connecting: Arc::new(Semaphore::new(MAX_CONNECTING)),
            idle: Arc::default(),
        }
    }

    /// Takes a connection, which may wait for a free one, or makes one.
    pub(super) async fn get(&self, tenant_id: TenantId) -> ConnectionResult<PooledConnection> {
        let turn = self.turns.take(tenant_id).await;
        if let Some(connection) = self.take_idle() {
            return Ok(self.pooled(connection, turn));
        }
        let pool = self.clone();
        let made = tokio::spawn(async move {
            let made = pool.connect().await;
            made.map(|connection| pool.pooled(connection, turn))
        });
        made.await
            .unwrap_or_else(|error| Err(ConnectionError::BadConnection(error.to_string())))
    }

    /// The maximum number of connections.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Closes all idle connections.
    pub(super) fn clear_idle(&self) {
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
        let (mut connection, sqlstate) = self.connector.connect().await?;
        connection
            .batch_execute(SESSION)
            .await
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(TappedConnection {
            connection,
            sqlstate,
        })
    }

    fn pooled(&self, connection: TappedConnection, turn: Turn) -> PooledConnection {
        PooledConnection {
            pool: self.clone(),
            connection: Some((connection, turn)),
            in_transaction: false,
        }
    }

    /// Returns a connection whose caller went away if its statement ends soon; else cancels the
    /// statement and closes the connection.
    async fn recover(self, mut tapped: TappedConnection, turn: Turn, in_transaction: bool) {
        let token = tapped.connection.cancel_token();
        let end = if in_transaction { "ROLLBACK" } else { "" };
        let ended = {
            let mut end = pin!(tapped.connection.batch_execute(end));
            let ended = tokio::time::timeout(PATIENCE, &mut end).await;
            if ended.is_err() {
                let cancelled = async {
                    let _ = self.connector.cancel(&token).await;
                    let _ = end.await;
                };
                let _ = tokio::time::timeout(MAX_CANCEL_TIME, cancelled).await;
            }
            ended
        };
        match ended {
            Ok(Ok(())) => self.idle().push(tapped),
            // PostgreSQL may get the request late: it would then cancel the next statement.
            Err(_) | Ok(Err(_)) => drop(tapped),
        }
        drop(turn);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<TappedConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection taken from the pool.
///
/// [`PooledConnection::return_to_pool`] returns it. One that is dropped before, because a caller hung
/// up or a deadline passed, may have a running statement or an open transaction: the pool takes it
/// back when both have ended.
pub(crate) struct PooledConnection {
    pool: ConnectionPool,
    connection: Option<(TappedConnection, Turn)>,
    in_transaction: bool,
}

impl PooledConnection {
    /// Where the SQLSTATE of the next error on this connection will be.
    pub(crate) fn sqlstate(&self) -> SqlState {
        let sqlstate = &self.tapped().sqlstate;
        sqlstate.clear();
        sqlstate.clone()
    }

    /// Notes that a transaction begins.
    pub(super) fn begin_transaction(&mut self) {
        self.in_transaction = true;
    }

    /// Returns the connection: no statement is running and no transaction is open.
    pub(crate) fn return_to_pool(mut self) {
        if let Some((tapped, turn)) = self.connection.take() {
            self.pool.idle().push(tapped);
            drop(turn);
        }
    }

    fn tapped(&self) -> &TappedConnection {
        let (tapped, _) = self.connection.as_ref().expect("present until returned");
        tapped
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some((tapped, turn)) = self.connection.take() {
            tokio::spawn(self.pool.clone().recover(tapped, turn, self.in_transaction));
        }
    }
}

impl Deref for PooledConnection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.tapped().connection
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        let (tapped, _) = self.connection.as_mut().expect("present until returned");
        &mut tapped.connection
    }
}
