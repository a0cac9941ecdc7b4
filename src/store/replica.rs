//! A standby of the database, for large reads that do not have to be current by a lock. It answers as the
//! primary does, or not at all.
//!
//! A standby replays what the primary did, later, and for a moment before others see it there. Which part
//! of it a read has seen is known by the tenant's commits: their random ids say that a standby has the same
//! history, not only as many revisions. So a standby that lags, was promoted, or is one of another
//! database, is not read; see [`crate::domain`] for the comparison with the primary.

mod availability;
mod standby_state;

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use diesel_async::AsyncPgConnection;
use metrics::Counter;
use tokio::time::timeout;

use self::{availability::Availability, standby_state::read_state};
use super::{
    ALL_TENANTS, InvalidUrl,
    connector::Connector,
    pool::{ConnectionPool, PooledConnection},
};
use crate::{
    metrics::REPLICA_READS,
    model::{Commit, TenantId},
    telemetry::due_line,
};

/// How long a read waits for a connection to the standby, and for each check of what it shows. The primary
/// would have answered by then.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// How long it may take to find out whether a standby that was left out can be used again.
const MAX_PROBE_TIME: Duration = Duration::from_secs(2);

/// A standby. While it cannot be used, it is left out, and no read waits for it.
#[derive(Clone)]
pub(crate) struct Replica(Arc<Standby>);

struct Standby {
    pool: ConnectionPool,
    /// One connection, to find out whether the standby answers.
    probes: ConnectionPool,
    availability: Availability,
    answered: Counter,
}

/// Why the primary has to answer a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// The standby is left out, because it did not answer or is no standby of the database.
    LeftOut,
    /// There was no connection in time.
    Busy,
    /// It does not show yet what the primary has shown.
    Behind,
    /// It shows what the primary has not shown yet.
    Ahead,
    /// A statement failed, or was cancelled to let the standby go on.
    Failed,
}

impl Fallback {
    const ALL: [Self; 5] = [
        Self::LeftOut,
        Self::Busy,
        Self::Behind,
        Self::Ahead,
        Self::Failed,
    ];

    /// How the metric counts it.
    fn counter(self) -> Counter {
        let outcome = match self {
            Self::LeftOut => "left_out",
            Self::Busy => "busy",
            Self::Behind => "behind",
            Self::Ahead => "ahead",
            Self::Failed => "failed",
        };
        REPLICA_READS.counter(&[outcome])
    }
}

impl Replica {
    /// A standby with a pool of at most `connections`, and one to probe it. Does not connect yet.
    pub(super) fn new(url: &str, connections: usize) -> Result<Self, InvalidUrl> {
        let connector = Connector::to_standby(url)?;
        let probes = ConnectionPool::new(&connector, 1, None).read_only();
        // A standby that does not answer at all is silent too: there is the primary instead.
        let is_idle = probes.idle_check(true);
        // Each outcome is there from the start.
        for fallback in Fallback::ALL {
            drop(fallback.counter());
        }
        Ok(Self(Arc::new(Standby {
            pool: ConnectionPool::new(&connector, connections, Some(is_idle)).read_only(),
            probes,
            availability: Availability::default(),
            answered: REPLICA_READS.counter(&["replica"]),
        })))
    }

    /// Whether it can be used. If it was left out for long enough, this starts a probe in the background.
    pub(crate) fn is_used(&self) -> bool {
        if self.0.availability.is_due() {
            self.probe();
        }
        self.0.availability.is_used()
    }

    /// A connection that shows the commit which the primary has shown, and perhaps later ones.
    pub(crate) async fn connection(
        &self,
        tenant_id: TenantId,
        shown: Commit,
    ) -> Result<ReplicaConnection, Fallback> {
        let connection = match timeout(MAX_WAIT, self.0.pool.get(tenant_id)).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(self.leave_out(&error.to_string())),
            Err(_) => {
                self.probe();
                return Err(Fallback::Busy);
            }
        };
        let mut connection = ReplicaConnection {
            replica: self.clone(),
            connection,
            tenant_id,
            shown,
        };
        match connection.check_state().await {
            Ok(_) => Ok(connection),
            Err(Fallback::Behind) => {
                connection.connection.return_to_pool();
                Err(Fallback::Behind)
            }
            Err(fallback) => Err(fallback),
        }
    }

    /// Counts where a read went.
    pub(crate) fn count(&self, outcome: Result<(), Fallback>) {
        match outcome {
            Ok(()) => {
                self.0.availability.worked();
                self.0.answered.increment(1);
            }
            Err(fallback) => fallback.counter().increment(1),
        }
    }

    pub(super) fn note_rows(&self, rows: Vec<i64>) {
        self.0.pool.note_rows(rows);
    }

    /// Leaves it out for a while, and closes its connections.
    fn leave_out(&self, reason: &str) -> Fallback {
        if self.0.availability.leave_out(reason)
            && let Some(due) = due_line("the standby for reads is left out", 0)
        {
            let left_out = due.left_out;
            tracing::warn!(left_out, "the standby for reads is left out: {reason}");
        }
        self.0.pool.clear_idle();
        self.0.probes.clear_idle();
        Fallback::LeftOut
    }

    /// Finds out in the background whether it can be used, unless that is being done.
    fn probe(&self) {
        if !self.0.availability.begin_probe() {
            return;
        }
        let replica = self.clone();
        tokio::spawn(async move {
            let probed = timeout(MAX_PROBE_TIME, replica.probed()).await;
            match probed.unwrap_or_else(|_| Err("it does not answer".to_owned())) {
                Ok(()) if replica.0.availability.take_in() => {
                    tracing::info!("the standby for reads is used");
                }
                Ok(()) => {}
                Err(reason) => drop(replica.leave_out(&reason)),
            }
            replica.0.availability.end_probe();
        });
    }

    async fn probed(&self) -> Result<(), String> {
        let connection = self.0.probes.get(ALL_TENANTS).await;
        let mut connection = connection.map_err(|error| error.to_string())?;
        let state = read_state(&mut connection, ALL_TENANTS, Commit::default()).await;
        let state = state.map_err(|error| error.to_string())?;
        connection.return_to_pool();
        state
            .unusable_reason()
            .map_or(Ok(()), |it| Err(it.to_owned()))
    }
}

/// A connection to the standby, which shows what the primary has shown of a tenant.
///
/// Dropped after a failure, it is closed or recovered as any connection of a pool.
pub(crate) struct ReplicaConnection {
    replica: Replica,
    connection: PooledConnection,
    tenant_id: TenantId,
    shown: Commit,
}

impl ReplicaConnection {
    /// Returns the connection to its pool, and the last commit that any statement on it can have seen.
    pub(crate) async fn finish(mut self) -> Result<Commit, Fallback> {
        let seen = self.check_state().await?;
        self.connection.return_to_pool();
        Ok(seen)
    }

    /// Gives up a read that failed.
    pub(crate) fn fail(mut self, error: &dyn std::error::Error) -> Fallback {
        let cause = error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string);
        if self.connection.is_broken() {
            return self.replica.leave_out(&cause);
        }
        if let Some(due) = due_line("a read at the standby", 0) {
            let left_out = due.left_out;
            tracing::warn!(
                left_out,
                "a read failed at the standby and is done at the primary: {cause}"
            );
        }
        Fallback::Failed
    }

    /// The tenant's state, if what was shown is part of it.
    async fn check_state(&mut self) -> Result<Commit, Fallback> {
        let state = read_state(&mut self.connection, self.tenant_id, self.shown);
        let state = match timeout(MAX_WAIT, state).await {
            Ok(Ok(state)) => state,
            Ok(Err(error)) => return Err(self.replica.leave_out(&error.to_string())),
            Err(_) => return Err(self.replica.leave_out("it does not answer in time")),
        };
        if let Some(reason) = state.unusable_reason() {
            return Err(self.replica.leave_out(reason));
        }
        let (head, shown) = (state.head.commit(), self.shown);
        match state.commit_of_revision {
            id if id == shown.id => Ok(head),
            // The log does not reach back to the revision, or not yet to it.
            0 => Err(Fallback::Behind),
            _ => Err(self
                .replica
                .leave_out("it has another history than the database")),
        }
    }
}

impl Deref for ReplicaConnection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl DerefMut for ReplicaConnection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }
}
