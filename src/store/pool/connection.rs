//! A connection while it is in use.

use std::ops::{Deref, DerefMut};

use diesel::QueryResult;
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection, pooled_connection::PoolableConnection,
};

use super::{ConnectionPool, TappedConnection};
use crate::{fair_semaphore::FairPermit, store::sqlstate::SqlState};

/// A connection taken from the pool.
///
/// [`PooledConnection::return_to_pool`] returns it. One that is dropped before, because a caller hung
/// up or a deadline passed, may have a running statement or an open transaction: the pool takes it
/// back if both end soon, and else closes it.
pub(crate) struct PooledConnection {
    pub(super) pool: ConnectionPool,
    pub(super) connection: Option<(TappedConnection, FairPermit)>,
    pub(super) sqlstate: SqlState,
}

impl PooledConnection {
    /// Where the SQLSTATE of the last error is, until the connection is returned or dropped.
    pub(crate) fn sqlstate(&self) -> SqlState {
        self.sqlstate.clone()
    }

    /// Whether its database has Citus.
    pub(in crate::store) fn has_citus(&self) -> bool {
        self.pool.has_citus()
    }

    /// Returns the connection: no statement is running and no transaction is open.
    pub(crate) fn return_to_pool(mut self) {
        if let Some((tapped, permit)) = self.connection.take() {
            self.pool.idle().push(tapped);
            drop(permit);
        }
    }

    /// Whether it cannot be used any more.
    pub(in crate::store) fn is_broken(&mut self) -> bool {
        let (tapped, _) = self.connection.as_mut().expect("present until returned");
        tapped.connection.is_broken()
    }

    /// Lets its statements be planned again if their plans are out of date.
    pub(super) async fn discard_old_plans(&mut self) -> QueryResult<()> {
        let changes = self.pool.plan_invalidation.count();
        let (tapped, _) = self.connection.as_mut().expect("present until returned");
        if tapped.planned_at != changes {
            tapped.connection.batch_execute("DISCARD PLANS").await?;
            tapped.planned_at = changes;
        }
        Ok(())
    }

    fn tapped(&self) -> &TappedConnection {
        let (tapped, _) = self.connection.as_ref().expect("present until returned");
        tapped
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some((tapped, permit)) = self.connection.take() {
            tokio::spawn(self.pool.clone().recover(tapped, permit));
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
