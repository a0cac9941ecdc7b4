//! Assigning and unassigning single memberships, in batches.

use std::collections::{HashMap, HashSet};

use super::{JobItem, batch_call};
use crate::{
    domain::{
        Error, Result,
        batch::BatchOperation,
        database::{Call, Committed, Database},
        lookup,
    },
    model::{Assignment, Code, Direction, Membership, Revision, TenantId, TenantName, Time},
    store::{self, Connection, Transaction, memberships::PairResult},
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
        let at_once = self.database.read(async |conn| {
            match self.database.find_tenant(conn, tenant).await? {
                Some(tenant_id) => self.change(conn, tenant_id, &call, items).await,
                None => Ok(Some(BatchResult::unknown_tenant())),
            }
        });
        let result = match at_once.await? {
            Some(result) => result,
            None => self.change_in_transaction(&call, items).await?,
        };
        self.database.notifier.notify(tenant, result.revision());
        Ok(result.outputs(items))
    }
}

impl ChangeMemberships {
    /// Waits for the tenant's lock first: another server, or a call of another kind, held it.
    async fn change_in_transaction(
        &self,
        call: &Call,
        items: &[JobItem<Assignment>],
    ) -> Result<BatchResult> {
        let change = async |tx: &mut Transaction| {
            let tenant_id = tx.tenant_id();
            let changed = self.change(tx, tenant_id, call, items).await?;
            changed.ok_or_else(|| Error::broken("the revision moved while it was locked"))
        };
        let (changed, _) = self.database.write(call, change).await?;
        Ok(changed)
    }

    /// Changes the memberships and logs it in one statement; `None`, and no effect, if another write
    /// came between.
    async fn change(
        &self,
        conn: &mut Connection,
        tenant_id: TenantId,
        call: &Call,
        items: &[JobItem<Assignment>],
    ) -> Result<Option<BatchResult>> {
        let pairs = items.iter().map(|item| &item.input);
        let (time, name) = (store::now(), call.request_id.clone());
        let rows = match self.direction {
            Direction::Assign => {
                store::memberships::assign_logged(conn, tenant_id, pairs, time, name).await?
            }
            Direction::Unassign => {
                store::memberships::unassign_logged(conn, tenant_id, pairs, time, name).await?
            }
        };
        if rows.is_empty() {
            return Ok(None);
        }
        let unknown: HashSet<&Code> = rows
            .iter()
            .zip(items)
            .filter(|(row, _)| row.group_id.is_none())
            .map(|(_, item)| &item.input.code)
            .collect();
        let renamed = lookup::renamed(conn, tenant_id, unknown).await?;
        Ok(Some(BatchResult {
            rows,
            renamed,
            time,
        }))
    }
}

/// The result of a batch.
struct BatchResult {
    rows: Vec<PairResult>,
    /// The present codes of former codes.
    renamed: HashMap<Code, Code>,
    time: Time,
}

impl BatchResult {
    /// A tenant that has never written has no contacts.
    fn unknown_tenant() -> Self {
        Self {
            rows: Vec::new(),
            renamed: HashMap::new(),
            time: store::now(),
        }
    }

    fn outputs(self, items: &[JobItem<Assignment>]) -> Vec<Result<Committed<(Membership, bool)>>> {
        let revision = self.revision();
        let output = |(at, item): (usize, &JobItem<Assignment>)| {
            let item = &item.input;
            let row = self.rows.get(at);
            let row = row.ok_or_else(|| Error::no_contact(&item.contact_id))?;
            Ok((self.output(row, item)?, revision))
        };
        items.iter().enumerate().map(output).collect()
    }

    /// The revision after the batch.
    fn revision(&self) -> Revision {
        let changed = self.rows.iter().any(|row| row.changed);
        let next = self.rows.first().map_or(0, |row| row.next_revision);
        if changed { next } else { next - 1 }
    }

    fn output(&self, row: &PairResult, item: &Assignment) -> Result<(Membership, bool)> {
        if row.contact_number.is_none() {
            return Err(Error::no_contact(&item.contact_id));
        }
        if row.group_id.is_none() {
            let renamed_to = self.renamed.get(&item.code).cloned();
            return Err(Error::no_group(&item.code, renamed_to));
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
