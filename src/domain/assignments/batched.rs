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
    store::{self, memberships::Assigned},
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
        let tenant_id = self.domain.make_tenant(tenant).await?;
        let at_once = self
            .domain
            .read(async |conn| self.change(conn, tenant_id, &call, items).await);
        match at_once.await? {
            Some(changed) => Ok(changed.outcomes(items)),
            None => self.in_turn(tenant_id, &call, items).await,
        }
    }
}

impl Changing {
    /// Waits for the tenant's clock first: another replica, or a call of another kind, had it.
    async fn in_turn(
        &self,
        tenant_id: TenantId,
        call: &Call,
        items: &[Asked<Assignment>],
    ) -> Result<Vec<Result<Written<(Membership, bool)>>>> {
        let (changed, _) = self
            .domain
            .write(call, async |tx| {
                let changed = self.change(tx, tenant_id, call, items).await?;
                changed.ok_or_else(|| Error::broken("the clock moved while it was locked"))
            })
            .await?;
        Ok(changed.outcomes(items))
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
                store::memberships::insert_logged(conn, tenant_id, pairs, time, name).await?
            }
            Direction::Unassign => {
                store::memberships::delete_logged(conn, tenant_id, pairs, time, name).await?
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
    rows: Vec<Assigned>,
    /// What became of codes that no group has.
    renamed: HashMap<Code, Code>,
    time: Time,
}

impl Changed {
    fn outcomes(self, items: &[Asked<Assignment>]) -> Vec<Result<Written<(Membership, bool)>>> {
        let revision = self.revision();
        let outcomes = self.rows.iter().zip(items).map(|(row, item)| {
            let outcome = self.outcome(row, &item.what)?;
            Ok((outcome, revision))
        });
        outcomes.collect()
    }

    /// The revision after the batch.
    fn revision(&self) -> Revision {
        let changed = self.rows.iter().any(|row| row.changed);
        let next = self.rows.first().map_or(0, |row| row.next_revision);
        if changed { next } else { next - 1 }
    }

    fn outcome(&self, row: &Assigned, item: &Assignment) -> Result<(Membership, bool)> {
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
