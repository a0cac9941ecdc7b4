//! One write of one tenant.

use std::ops::{Deref, DerefMut};

use chrono::Utc;
use diesel::{QueryResult, result::Error, sql_types::Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::{
    PooledConnection,
    log::{self, ChangeSet, Origin, RevisionCounter, lock_counter},
    numbers::{NoNumber, count_one, take},
    sql::{sql, sql_of},
    sqlstate::SqlState,
    tenants,
};
use crate::model::{Change, Commit, Revision, TenantId, TenantName, Time};

/// A transaction that holds the lock of its tenant's revision counter, so that it is the tenant's only
/// one. It collects changes; [`Transaction::write_log`] logs them under a new revision.
pub struct Transaction {
    connection: PooledConnection,
    tenant_id: TenantId,
    counter: RevisionCounter,
    commit_id: i64,
    time: Time,
    changes: Vec<Change>,
    refused: bool,
    creates_tenant: bool,
}

impl Transaction {
    /// Begins a transaction and waits for the lock of the tenant's revision counter.
    pub(crate) async fn begin(
        mut connection: PooledConnection,
        tenant_id: TenantId,
    ) -> QueryResult<Self> {
        let free = {
            // Both statements are sent at once.
            let (mut begin, mut lock) = (&*connection, &*connection);
            let lock = lock_counter!(connection, tenant_id, "SKIP LOCKED").get_result(&mut lock);
            tokio::try_join!(begin.batch_execute("BEGIN"), lock)
        };
        let counter = match free {
            Err(Error::NotFound) => wait_for_lock(&mut connection, tenant_id).await,
            free => free.map(|((), counter)| counter),
        };
        let counter = counter.map(|counter| (tenant_id, false, counter));
        Self::begun(connection, counter).await
    }

    /// Begins the first transaction of a tenant, which creates the tenant. It excludes other first
    /// transactions.
    pub(crate) async fn begin_first(
        mut connection: PooledConnection,
        name: &TenantName,
    ) -> QueryResult<Self> {
        let counter = async {
            connection.batch_execute("BEGIN").await?;
            let (tenant_id, is_new) = tenants::insert(&mut connection, name).await?;
            let counter = lock_counter!(connection, tenant_id)
                .get_result(&mut connection)
                .await?;
            Ok((tenant_id, is_new, counter))
        };
        let counter = counter.await;
        Self::begun(connection, counter).await
    }

    async fn begun(
        mut connection: PooledConnection,
        counter: QueryResult<(TenantId, bool, RevisionCounter)>,
    ) -> QueryResult<Self> {
        match counter {
            Ok((tenant_id, creates_tenant, counter)) => Ok(Self {
                connection,
                tenant_id,
                counter,
                commit_id: Commit::new_id(),
                time: now(),
                changes: Vec::new(),
                refused: false,
                creates_tenant,
            }),
            Err(error) => {
                if connection.batch_execute("ROLLBACK").await.is_ok() {
                    connection.return_to_pool();
                }
                Err(error)
            }
        }
    }

    /// Where the SQLSTATE of its last error is.
    pub(crate) fn sqlstate(&self) -> SqlState {
        self.connection.sqlstate()
    }

    /// The tenant.
    pub(crate) fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    /// Whether the tenant did not exist before.
    pub(crate) fn creates_tenant(&self) -> bool {
        self.creates_tenant
    }

    /// The revision of what this transaction changes.
    pub(crate) fn revision(&self) -> Revision {
        self.counter.revision + 1
    }

    /// The tenant's revision after the commit, if no more changes are added.
    pub(crate) fn revision_after(&self) -> Revision {
        if self.changes.is_empty() {
            self.counter.revision
        } else {
            self.revision()
        }
    }

    /// The time of what this transaction changes.
    pub(crate) fn time(&self) -> Time {
        self.time
    }

    /// Adds a change to the log.
    pub fn log(&mut self, change: Change) {
        match &change {
            Change::GroupDeleted(..) => self.counter.mailing_group_count -= 1,
            Change::ContactsDeleted(numbers, _) => {
                self.counter.contact_count -= numbers.len() as i64;
            }
            Change::GroupCreated(..)
            | Change::GroupRenamed(..)
            | Change::GroupUpdated(..)
            | Change::ContactsCreated(_)
            | Change::ContactsUpdated(_)
            | Change::MembersAdded(..)
            | Change::MembersRemoved(..)
            | Change::SegmentCreated(..)
            | Change::SegmentUpdated(..)
            | Change::SegmentDeleted(..)
            | Change::CriteriaSaved(..)
            | Change::CriteriaDeleted(..) => {}
        }
        self.changes.push(change);
    }

    /// Marks the whole request as refused: [`Transaction::end`] rolls back, so that a refused
    /// first write does not create the tenant.
    pub(crate) fn refuse(&mut self) {
        self.refused = true;
    }

    /// Ends a dry run: nothing of what was written is kept, and no revision is made.
    pub(crate) fn discard(&mut self) {
        self.changes.clear();
        self.refuse();
    }

    /// Takes the next group number, and counts the group.
    pub(crate) fn take_group_id(&mut self) -> Result<i32, NoNumber> {
        let counter = &mut self.counter;
        count_one(&mut counter.mailing_group_count, counter.max_mailing_groups)?;
        take(&mut counter.next_group_id)
    }

    /// Takes the next contact number, and counts the contact.
    pub(crate) fn take_contact_number(&mut self) -> Result<i32, NoNumber> {
        let counter = &mut self.counter;
        count_one(&mut counter.contact_count, counter.max_contacts)?;
        take(&mut counter.next_contact_number)
    }

    /// The next number of the series of contact ids.
    pub(crate) fn contact_serial(&mut self) -> &mut i64 {
        &mut self.counter.next_contact_serial
    }

    /// The most segments that the tenant may have; 0 is no limit.
    pub(crate) fn max_segments(&self) -> i64 {
        self.counter.max_segments
    }

    /// Takes the next segment number for a tenant that has so many segments.
    pub(crate) fn take_segment_number(&mut self, mut count: i64) -> Result<i32, NoNumber> {
        count_one(&mut count, self.counter.max_segments)?;
        take(&mut self.counter.next_segment_number)
    }

    /// The next number of the series of segment ids.
    pub(crate) fn segment_serial(&mut self) -> &mut i64 {
        &mut self.counter.next_segment_serial
    }

    /// Takes the next number of saved criteria.
    pub(crate) fn take_criteria_number(&mut self) -> Result<i32, NoNumber> {
        take(&mut self.counter.next_criteria_number)
    }

    /// Logs the collected changes. Returns the commit that they become; `None` if nothing changes.
    pub(crate) async fn write_log(&mut self, origin: Origin<'_>) -> QueryResult<Option<Commit>> {
        if self.refused || self.changes.is_empty() {
            return Ok(None);
        }
        let commit = Commit {
            revision: self.revision(),
            id: self.commit_id,
        };
        let changes = ChangeSet {
            tenant_id: self.tenant_id,
            commit,
            time: self.time,
            origin,
            counter: &self.counter,
            changes: std::mem::take(&mut self.changes),
        };
        let in_steps = self.connection.has_citus();
        log::append(&mut self.connection, changes, in_steps).await?;
        Ok(Some(commit))
    }

    /// Commits, or rolls back a refused request. If it fails, the outcome is unknown:
    /// see [`log::revision_of`].
    pub(crate) async fn end(mut self) -> QueryResult<()> {
        let end = if self.refused { "ROLLBACK" } else { "COMMIT" };
        self.connection.batch_execute(end).await?;
        self.connection.return_to_pool();
        Ok(())
    }

    /// Rolls back.
    pub(crate) async fn rollback(mut self) -> QueryResult<()> {
        self.connection.batch_execute("ROLLBACK").await?;
        self.connection.return_to_pool();
        Ok(())
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

/// Waits for the lock in a transaction, which restarts every two seconds: before PostgreSQL ends the
/// idle transaction of a frozen program that holds the lock. That program's other transactions must not
/// get the lock one after the other and be idle in turn.
async fn wait_for_lock(
    connection: &mut PooledConnection,
    tenant_id: TenantId,
) -> QueryResult<RevisionCounter> {
    loop {
        let sqlstate = connection.sqlstate();
        sqlstate.clear();
        connection
            .batch_execute("SET LOCAL lock_timeout = '2s'")
            .await?;
        let lock = lock_counter!(connection, tenant_id);
        match lock.get_result(&mut **connection).await {
            Err(_) if sqlstate.is_lock_timeout() => {
                connection.batch_execute("ROLLBACK; BEGIN").await?;
            }
            Err(error) => return Err(error),
            Ok(counter) => {
                let reset = "SET LOCAL lock_timeout = 0";
                connection.batch_execute(reset).await?;
                return Ok(counter);
            }
        }
    }
}

/// The current time, with PostgreSQL's precision.
pub fn now() -> Time {
    let now = Utc::now();
    chrono::DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
}
