//! Assigning and unassigning single memberships, in batches.

use super::{JobItem, batch_call};
use crate::{
    domain::{
        Error, Result, assign,
        batch::BatchOperation,
        database::{Call, Committed, Database},
    },
    model::{Assignment, Commit, Direction, Membership, Revision, TenantId, TenantName, Time},
    store::{
        self, Connection, Transaction,
        memberships::{LoggedCommit, PairResult},
    },
};

/// Changes one membership per call.
pub(in crate::domain) struct ChangeMemberships {
    pub(in crate::domain) database: Database,
    pub(in crate::domain) direction: Direction,
}

impl BatchOperation for ChangeMemberships {
    type Item = JobItem<Assignment>;
    type Output = Committed<(Membership, bool)>;

    async fn run(
        &self,
        tenant: &TenantName,
        items: &[JobItem<Assignment>],
    ) -> Result<Vec<Result<Self::Output>>> {
        let call = batch_call(tenant, items);
        if self.database.store.writes_in_steps() {
            let written = self.write_in_steps(&call, items).await;
            return Ok(written.map_err(Error::repeatable)?.outputs(items));
        }
        let batch = Batch {
            commit: LoggedCommit {
                time: store::now(),
                request_id: call.request_id.clone(),
                actors: call.actors.to_string(),
                id: Commit::new_id(),
            },
            call,
            items,
        };
        let result = self.run_batch(&batch).await.map_err(Error::repeatable)?;
        if let Some(revision) = result.new_revision() {
            let id = batch.commit.id;
            self.database
                .notifier
                .notify(tenant, Commit { revision, id });
        }
        Ok(result.outputs(items))
    }
}

/// Some calls, and the commit that they become.
struct Batch<'i> {
    call: Call,
    items: &'i [JobItem<Assignment>],
    commit: LoggedCommit,
}

impl Batch<'_> {
    fn assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.items.iter().map(|item| &item.input)
    }

    fn result(&self, rows: Vec<PairResult>) -> BatchResult {
        let time = self.commit.time;
        BatchResult { rows, time }
    }
}

impl ChangeMemberships {
    /// Runs a batch as other writes do.
    async fn write_in_steps(
        &self,
        call: &Call,
        items: &[JobItem<Assignment>],
    ) -> Result<BatchResult> {
        if self.database.tenant_id(call).await?.is_none() {
            return Ok(BatchResult::unknown_tenant());
        }
        let items: Vec<_> = items.iter().map(|item| item.input.clone()).collect();
        let change = async |tx: &mut Transaction| {
            let rows = assign::change(tx, &items, self.direction).await?;
            if !rows.iter().any(|row| row.changed) {
                // So that it does not create the tenant.
                tx.refuse();
            }
            Ok(BatchResult {
                rows,
                time: tx.time(),
            })
        };
        let (result, _) = self.database.write(call, change).await?;
        Ok(result)
    }

    /// Runs a batch in one statement; if another write came between, in a transaction.
    async fn run_batch(&self, batch: &Batch<'_>) -> Result<BatchResult> {
        let Some(tenant_id) = self.database.tenant_id(&batch.call).await? else {
            return Ok(BatchResult::unknown_tenant());
        };
        let change = async |conn: &mut _| self.change(conn, tenant_id, batch).await;
        let at_once = self.database.write_at_once(tenant_id, change).await;
        if let Some(result) = self.or_found(tenant_id, batch, at_once).await? {
            return Ok(result);
        }
        let in_transaction = self.change_in_transaction(batch).await.map(Some);
        let result = self.or_found(tenant_id, batch, in_transaction).await?;
        result.ok_or_else(|| Error::Unavailable("the connection broke twice".into()))
    }

    /// Waits for the tenant's lock first: another server, or a call of another kind, held it.
    async fn change_in_transaction(&self, batch: &Batch<'_>) -> Result<BatchResult> {
        let change = async |tx: &mut Transaction| {
            let tenant_id = tx.tenant_id();
            let changed = self.change(tx, tenant_id, batch).await?;
            if changed
                .as_ref()
                .is_some_and(|it| it.new_revision().is_none())
            {
                // So that it does not create the tenant.
                tx.refuse();
            }
            changed.ok_or_else(|| Error::broken("the revision moved while it was locked"))
        };
        let (changed, _) = self.database.write(&batch.call, change).await?;
        Ok(changed)
    }

    /// The result; if the answer was lost, what really happened. `None` if nothing did.
    async fn or_found(
        &self,
        tenant_id: TenantId,
        batch: &Batch<'_>,
        result: Result<Option<BatchResult>>,
    ) -> Result<Option<BatchResult>> {
        match result {
            Err(error) if error.lost_an_answer() => {}
            result => return result,
        }
        let (database, commit) = (&self.database, &batch.commit);
        let found = database.find_commit(&batch.call, tenant_id, commit.id);
        let Some(revision) = found.await? else {
            return Ok(None);
        };
        let read = async |conn: &mut _| {
            let (items, time) = (batch.assignments(), commit.time);
            let rows = store::memberships::changed_at(conn, tenant_id, items, revision, time);
            Ok(batch.result(rows.await?))
        };
        database.read(tenant_id, read).await.map(Some)
    }

    /// Changes the memberships and logs it in one statement; `None`, and no effect, if another write
    /// came between.
    async fn change(
        &self,
        conn: &mut Connection,
        tenant_id: TenantId,
        batch: &Batch<'_>,
    ) -> Result<Option<BatchResult>> {
        let (pairs, commit) = (batch.assignments(), &batch.commit);
        let rows = match self.direction {
            Direction::Assign => {
                store::memberships::assign_logged(conn, tenant_id, pairs, commit).await?
            }
            Direction::Unassign => {
                store::memberships::unassign_logged(conn, tenant_id, pairs, commit).await?
            }
        };
        Ok((!rows.is_empty()).then(|| batch.result(rows)))
    }
}

/// The result of a batch.
struct BatchResult {
    rows: Vec<PairResult>,
    time: Time,
}

impl BatchResult {
    /// A tenant that has never written has no contacts.
    fn unknown_tenant() -> Self {
        Self {
            rows: Vec::new(),
            time: store::now(),
        }
    }

    fn outputs(self, items: &[JobItem<Assignment>]) -> Vec<Result<Committed<(Membership, bool)>>> {
        let revision = self.revision();
        let output = |(at, item): (usize, &JobItem<Assignment>)| {
            let item = &item.input;
            let row = self.rows.get(at);
            let row = row.ok_or_else(|| Error::no_contact(&item.contact_id, None))?;
            Ok((self.output(row, item)?, revision))
        };
        items.iter().enumerate().map(output).collect()
    }

    /// The revision that the batch made; `None` if it changed nothing.
    fn new_revision(&self) -> Option<Revision> {
        let changed = self.rows.iter().find(|row| row.changed);
        changed.map(|row| row.next_revision)
    }

    /// The revision after the batch.
    fn revision(&self) -> Revision {
        let next = self.rows.first().map_or(0, |row| row.next_revision);
        self.new_revision().unwrap_or(next - 1)
    }

    fn output(&self, row: &PairResult, item: &Assignment) -> Result<(Membership, bool)> {
        if row.contact_number.is_none() {
            return Err(Error::no_contact(&item.contact_id, row.current.clone()));
        }
        if row.group_id.is_none() {
            return Err(Error::no_group(&item.code, row.current.clone()));
        }
        let membership = Membership {
            contact_id: item.contact_id.clone(),
            code: item.code.clone(),
            revision: row.revision.unwrap_or(row.next_revision),
            create_time: row.create_time.unwrap_or(self.time),
        };
        Ok((membership, row.changed))
    }
}
