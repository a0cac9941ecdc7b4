//! Assignments of concurrent calls, made together.

use std::collections::{HashMap, HashSet};

use diesel_async::AsyncPgConnection;

use super::Direction;
use crate::{
    domain::{
        Call, Domain, Error, Result, Written,
        batch::Work,
        batches::{Asked, call_of},
        mailing_groups,
    },
    model::{Assignment, Code, Membership, Revision, TenantId, TenantName, Time},
    store::{self, Transaction, memberships::PairResult},
};

/// Changing one membership a call.
pub(in crate::domain) struct Changing {
    pub(super) domain: Domain,
    pub(super) direction: Direction,
}

impl Work for Changing {
    type Item = Asked<Assignment>;
    type Outcome = Written<(Membership, bool)>;

    async fn run(
        &self,
        tenant: &TenantName,
        items: &[Asked<Assignment>],
    ) -> Result<Vec<Result<Self::Outcome>>> {
        let call = call_of(tenant, items);
        let at_once =
            self.domain.read(
                async |conn| match self.domain.find_tenant(conn, tenant).await? {
                    Some(tenant_id) => self.change(conn, tenant_id, &call, items).await,
                    None => Ok(Some(Changed::nowhere())),
                },
            );
        let changed = match at_once.await? {
            Some(changed) => changed,
            None => self.in_turn(&call, items).await?,
        };
        self.domain.notifier.notify(tenant, changed.revision());
        Ok(changed.outcomes(items))
    }
}

impl Changing {
    /// Waits for the tenant's clock first: another server, or a call of another kind, had it.
    async fn in_turn(&self, call: &Call, items: &[Asked<Assignment>]) -> Result<Changed> {
        let change = async |tx: &mut Transaction| {
            let tenant_id = tx.tenant_id();
            let changed = self.change(tx, tenant_id, call, items).await?;
            changed.ok_or_else(|| Error::broken("the clock moved while it was locked"))
        };
        let (changed, _) = self.domain.write(call, change).await?;
        Ok(changed)
    }

    /// Changes the memberships and logs that in one statement; `None`, and no effect, if another
    /// write came between.
    async fn change(
        &self,
        conn: &mut AsyncPgConnection,
        tenant_id: TenantId,
        call: &Call,
        items: &[Asked<Assignment>],
    ) -> Result<Option<Changed>> {
        let pairs = items.iter().map(|item| &item.what);
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
            .map(|(_, item)| &item.what.code)
            .collect();
        let renamed = mailing_groups::renamed(conn, tenant_id, unknown).await?;
        Ok(Some(Changed {
            rows,
            renamed,
            time,
        }))
    }
}

/// What became of a batch.
struct Changed {
    rows: Vec<PairResult>,
    /// What became of codes that no group has.
    renamed: HashMap<Code, Code>,
    time: Time,
}

impl Changed {
    /// For a tenant that has never written: it has no contacts.
    fn nowhere() -> Self {
        Self {
            rows: Vec::new(),
            renamed: HashMap::new(),
            time: store::now(),
        }
    }

    fn outcomes(self, items: &[Asked<Assignment>]) -> Vec<Result<Written<(Membership, bool)>>> {
        let revision = self.revision();
        let outcome = |(at, item): (usize, &Asked<Assignment>)| {
            let item = &item.what;
            let row = self.rows.get(at);
            let row = row.ok_or_else(|| Error::no_contact(&item.contact_id))?;
            Ok((self.outcome(row, item)?, revision))
        };
        items.iter().enumerate().map(outcome).collect()
    }

    /// The revision after the batch.
    fn revision(&self) -> Revision {
        let changed = self.rows.iter().any(|row| row.changed);
        let next = self.rows.first().map_or(0, |row| row.next_revision);
        if changed { next } else { next - 1 }
    }

    fn outcome(&self, row: &PairResult, item: &Assignment) -> Result<(Membership, bool)> {
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
