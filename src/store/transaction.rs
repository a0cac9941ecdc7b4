//! One write of one tenant.

use std::ops::{Deref, DerefMut};

use chrono::Utc;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::{Connection, changes, tenants};
use crate::{
    model::{Change, Revision, TenantId, TenantName, Time},
    schema::clocks,
};

/// A transaction that holds its tenant's clock, so that it is the tenant's only one. What it
/// changes is gathered in a log; [`Transaction::commit`] writes it under a new revision.
pub struct Transaction {
    connection: Connection,
    tenant_id: TenantId,
    clock: Clock,
    time: Time,
    changes: Vec<Change>,
    refused: bool,
}

/// A tenant's clock: the revision, and the numbers it gives out.
#[derive(HasQuery)]
#[diesel(table_name = clocks)]
pub(super) struct Clock {
    pub(super) revision: Revision,
    pub(super) next_contact_number: i32,
    pub(super) next_contact_serial: i64,
    pub(super) next_group_id: i32,
    pub(super) next_segment_number: i32,
    pub(super) next_segment_serial: i64,
    pub(super) next_criteria_number: i32,
}

/// A tenant has used up its numbers, of which there are 2³¹ - 2: none is given out twice.
#[derive(Debug, thiserror::Error)]
#[error("no numbers left")]
pub(crate) struct Spent;

impl Transaction {
    /// Begins a transaction and waits for the tenant's clock.
    pub(crate) async fn begin(connection: Connection, tenant_id: TenantId) -> QueryResult<Self> {
        let clock = {
            // Both go out at once; they are answered in order.
            let (mut begin, mut lock) = (&*connection, &*connection);
            let lock = Clock::query().find(tenant_id).for_update().first(&mut lock);
            tokio::try_join!(begin.batch_execute("BEGIN"), lock)
        };
        let clock = clock.map(|((), clock)| (tenant_id, clock));
        Self::begun(connection, clock).await
    }

    /// Begins the first transaction of a tenant, which comes into being when it commits. No two
    /// tenants do so at a time.
    pub(crate) async fn begin_first(
        mut connection: Connection,
        name: &TenantName,
    ) -> QueryResult<Self> {
        let clock = async {
            connection.batch_execute("BEGIN").await?;
            let tenant_id = tenants::insert(&mut connection, name).await?;
            let lock = Clock::query().find(tenant_id).for_update();
            Ok((tenant_id, lock.first(&mut connection).await?))
        };
        let clock = clock.await;
        Self::begun(connection, clock).await
    }

    async fn begun(
        mut connection: Connection,
        clock: QueryResult<(TenantId, Clock)>,
    ) -> QueryResult<Self> {
        match clock {
            Ok((tenant_id, clock)) => Ok(Self {
                connection,
                tenant_id,
                clock,
                time: now(),
                changes: Vec::new(),
                refused: false,
            }),
            Err(error) => {
                if connection.batch_execute("ROLLBACK").await.is_ok() {
                    connection.release();
                }
                Err(error)
            }
        }
    }

    /// The tenant.
    pub(crate) fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    /// The revision of what this transaction changes.
    pub(crate) fn revision(&self) -> Revision {
        self.clock.revision + 1
    }

    /// The revision that [`Transaction::commit`] would return now.
    pub(crate) fn revision_after(&self) -> Revision {
        if self.changes.is_empty() {
            self.clock.revision
        } else {
            self.revision()
        }
    }

    /// The moment of what this transaction changes.
    pub(crate) fn time(&self) -> Time {
        self.time
    }

    /// Notes a change.
    pub fn log(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Notes that all that was asked for is refused: [`Transaction::commit`] will leave nothing
    /// behind, not even a tenant that would have come into being.
    pub(crate) fn refuse(&mut self) {
        self.refused = true;
    }

    /// Takes the next group number.
    pub(crate) fn take_group_id(&mut self) -> Result<i32, Spent> {
        take(&mut self.clock.next_group_id)
    }

    /// Takes the next contact number.
    pub(crate) fn take_contact_number(&mut self) -> Result<i32, Spent> {
        take(&mut self.clock.next_contact_number)
    }

    /// The next number of the series of contact ids.
    pub(crate) fn contact_serial(&mut self) -> &mut i64 {
        &mut self.clock.next_contact_serial
    }

    /// Takes the next segment number.
    pub(crate) fn take_segment_number(&mut self) -> i32 {
        let number = self.clock.next_segment_number;
        self.clock.next_segment_number += 1;
        number
    }

    /// The next number of the series of segment ids.
    pub(crate) fn segment_serial(&mut self) -> &mut i64 {
        &mut self.clock.next_segment_serial
    }

    /// Takes the next number of saved criteria.
    pub(crate) fn take_criteria_number(&mut self) -> i32 {
        let number = self.clock.next_criteria_number;
        self.clock.next_criteria_number += 1;
        number
    }

    /// Commits. Returns the revision made, or the present one if nothing changed.
    pub(crate) async fn commit(mut self, request_id: &str) -> QueryResult<Revision> {
        let revision = self.revision_after();
        if self.refused {
            self.rollback().await?;
            return Ok(revision);
        }
        if !self.changes.is_empty() {
            let changes = std::mem::take(&mut self.changes);
            changes::append(&mut self, changes, request_id).await?;
        }
        self.connection.batch_execute("COMMIT").await?;
        self.connection.release();
        Ok(revision)
    }

    /// Undoes everything.
    pub(crate) async fn rollback(mut self) -> QueryResult<()> {
        self.connection.batch_execute("ROLLBACK").await?;
        self.connection.release();
        Ok(())
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl Deref for Transaction {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }
}

fn take(next: &mut i32) -> Result<i32, Spent> {
    let number = *next;
    *next = number.checked_add(1).ok_or(Spent)?;
    Ok(number)
}

/// The present moment, as PostgreSQL keeps it.
pub fn now() -> Time {
    let now = Utc::now();
    chrono::DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
}
