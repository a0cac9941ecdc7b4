//! The connections of the pool.

use std::ops::{Deref, DerefMut};

use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleError, RecycleResult};
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection, pooled_connection::PoolableConnection,
};

use super::{sqlstate::SqlState, tls::Connector};

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

/// A bounded pool of connections.
pub(super) type ConnectionPool = Pool<ConnectionManager>;

/// Creates a pool of at most `size` connections. Does not connect yet.
pub(super) fn pool(connector: &Connector, size: usize) -> ConnectionPool {
    let manager = ConnectionManager(connector.clone());
    Pool::builder(manager)
        .max_size(size)
        .build()
        .expect("no timeouts, which would need a runtime")
}

/// Makes the connections of a pool.
pub(super) struct ConnectionManager(Connector);

/// A connection, and the SQLSTATE of its last error.
pub(super) struct TappedConnection {
    connection: AsyncPgConnection,
    sqlstate: SqlState,
}

impl Manager for ConnectionManager {
    type Type = TappedConnection;
    type Error = diesel::ConnectionError;

    async fn create(&self) -> Result<TappedConnection, diesel::ConnectionError> {
        // On the heap: callers far down the stack create connections, and this future is large.
        let (mut connection, sqlstate) = Box::pin(self.0.connect()).await?;
        connection
            .batch_execute(SESSION)
            .await
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        Ok(TappedConnection {
            connection,
            sqlstate,
        })
    }

    /// A `SELECT 1` before every use would double the cost of a short one; see `Store::clear_idle`.
    async fn recycle(
        &self,
        tapped: &mut TappedConnection,
        _: &Metrics,
    ) -> RecycleResult<diesel::ConnectionError> {
        match std::thread::panicking() || tapped.connection.is_broken() {
            true => Err(RecycleError::message("the connection is broken")),
            false => Ok(()),
        }
    }
}

/// A connection taken from the pool.
///
/// [`PooledConnection::return_to_pool`] returns it. A connection that is dropped before, because a
/// caller hung up or a deadline passed, may have a running statement or an open transaction: the
/// statement is cancelled and the connection closed, which frees its locks within milliseconds.
pub(crate) struct PooledConnection {
    object: Option<Object<ConnectionManager>>,
    connector: Connector,
}

impl PooledConnection {
    pub(super) fn new(object: Object<ConnectionManager>, connector: Connector) -> Self {
        Self {
            object: Some(object),
            connector,
        }
    }

    /// Where the SQLSTATE of the next error on this connection will be.
    pub(crate) fn sqlstate(&self) -> SqlState {
        let sqlstate = &self.tapped().sqlstate;
        sqlstate.clear();
        sqlstate.clone()
    }

    /// Returns the connection: no statement is running and no transaction is open.
    pub(crate) fn return_to_pool(mut self) {
        self.object = None;
    }

    fn tapped(&self) -> &TappedConnection {
        self.object.as_ref().expect("present until returned")
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else {
            return;
        };
        let connection = Object::take(object).connection;
        let connector = self.connector.clone();
        tokio::spawn(async move {
            // If the request to cancel fails, the connection is closed all the same.
            let _ = connector.cancel(&connection.cancel_token()).await;
            drop(connection);
        });
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
        let object = self.object.as_mut().expect("present until returned");
        &mut object.connection
    }
}
