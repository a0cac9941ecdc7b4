//! Applies a group to the contacts on a segment.

use serde::{Deserialize, Serialize};

use super::{ActionRun, current, existing, merges::MergeMap};
use crate::{
    domain::{Call, Committed, Domain, Result, lookup, selection},
    model::{Change, Code, ContactSet, MailingGroup, SegmentId},
    store::{self, Transaction},
};

/// How many memberships one statement changes.
const MAX_STATEMENT_ROWS: usize = 50_000;

/// How many memberships came and went, or would.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Applied {
    /// Contacts that got the group.
    pub(crate) added: u64,
    /// Contacts that lost the group.
    pub(crate) removed: u64,
}

/// Assigns a group to everyone on a segment, and with `replace` takes it from everybody else; or
/// only says what that would do.
pub(crate) async fn apply(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    code: &Code,
    replace: bool,
    run: ActionRun<'_>,
) -> Result<Committed<Applied>> {
    if let Some(done) = domain.recall_done(call, run.key().as_ref()).await? {
        return Ok(done);
    }
    domain
        .read_of(call, async |conn, tenant_id| {
            existing(conn, tenant_id, id).await
        })
        .await?;
    selection::population(domain, call).await?;
    domain
        .write_once(call, run.key(), async |tx| {
            let tenant_id = tx.tenant_id();
            let (_, stored) = current(tx, id, run.etag).await?;
            let group = lookup::group(tx, tenant_id, code).await?;
            let population = selection::population_in(domain, tx).await?;
            let merges = MergeMap::read(tx, tenant_id, &population.everyone, &[&stored]).await?;
            let wanted = merges.resolve(&stored);
            let (_, present) = store::sets::members(tx, tenant_id, group.group_id).await?;
            let added = &wanted - &present;
            let removed = match replace {
                true => &present - &wanted,
                false => ContactSet::new(),
            };
            if !run.validate_only {
                change_members(tx, &group, &added, &removed).await?;
            }
            Ok(Applied {
                added: added.len(),
                removed: removed.len(),
            })
        })
        .await
}

async fn change_members(
    tx: &mut Transaction,
    group: &MailingGroup,
    added: &ContactSet,
    removed: &ContactSet,
) -> Result<()> {
    let (id, code) = (group.group_id, &group.code);
    let removed: Vec<i32> = removed.iter().map(u32::cast_signed).collect();
    for part in removed.chunks(MAX_STATEMENT_ROWS) {
        store::memberships::delete_members(tx, id, part.to_vec()).await?;
    }
    if !removed.is_empty() {
        tx.log(Change::MembersRemoved(id, code.clone(), removed));
    }
    let added: Vec<i32> = added.iter().map(u32::cast_signed).collect();
    for part in added.chunks(MAX_STATEMENT_ROWS) {
        store::memberships::insert_members(tx, id, part.to_vec()).await?;
    }
    if !added.is_empty() {
        tx.log(Change::MembersAdded(id, code.clone(), added));
    }
    Ok(())
}
