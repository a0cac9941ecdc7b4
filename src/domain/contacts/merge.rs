//! Merging two contacts.

use super::remove;
use crate::{
    domain::{
        BrokenRule, Call, Committed, Domain, Error, Precondition, Result, lookup, memberships,
        segments::merges,
    },
    model::{Change, Code, Contact, ContactId, NewContact},
    store::{self, Transaction},
};

/// What a merge did.
#[derive(Debug)]
pub(crate) struct MergeResult {
    /// The kept contact as it is now.
    pub(crate) contact: Contact,
    /// Codes that only the merged contact had, by code.
    pub(crate) moved: Vec<Code>,
    /// Codes that both had, by code.
    pub(crate) common: Vec<Code>,
    /// People that moved to the kept company.
    pub(crate) moved_people: usize,
    /// Whether the kept person took over the merged person's company.
    pub(crate) company_taken_over: bool,
}

/// Moves the groups and the people of `merged_id` to `kept_id` and deletes the former. The kept
/// contact keeps its details; but it is left out of segments if either was, and takes over the
/// merged person's company if it has none. It takes the merged contact's place on segments.
pub(crate) async fn merge(
    domain: &Domain,
    call: &Call,
    kept_id: &ContactId,
    merged_id: &ContactId,
) -> Result<Committed<MergeResult>> {
    if kept_id == merged_id {
        return Err(BrokenRule::MergedIntoItself.into());
    }
    domain
        .write(call, async |tx| merge_in(tx, kept_id, merged_id).await)
        .await
}

async fn merge_in(
    tx: &mut Transaction,
    kept_id: &ContactId,
    merged_id: &ContactId,
) -> Result<MergeResult> {
    let tenant_id = tx.tenant_id();
    let kept = lookup::contact(tx, tenant_id, kept_id).await?;
    let merged = lookup::contact(tx, tenant_id, merged_id).await?;
    if kept.kind != merged.kind {
        let (kept, merged) = (kept.id, merged.id);
        return Err(Error::Precondition(Precondition::DifferentKinds {
            kept,
            merged,
        }));
    }
    let had = lookup::codes_of(tx, &kept).await?;
    let (common, moved): (Vec<_>, Vec<_>) = lookup::codes_of(tx, &merged)
        .await?
        .into_iter()
        .partition(|c| had.contains(c));
    memberships::assign_all(tx, kept_id, &moved).await?;
    let mut changed = store::contacts::move_people(tx, merged_id, Some(kept_id)).await?;
    let moved_people = changed.len();
    let company_taken_over = kept.company_id.is_none() && merged.company_id.is_some();
    if join_details(tx, &kept, &merged).await? {
        changed.push(kept.contact_number);
    }
    if !changed.is_empty() {
        tx.log(Change::ContactsUpdated(changed));
    }
    merges::redirect_merged(tx, &merged, &kept).await?;
    remove(tx, merged).await?;
    let contact = lookup::contact(tx, tenant_id, kept_id).await?;
    Ok(MergeResult {
        contact,
        moved,
        common,
        moved_people,
        company_taken_over,
    })
}

/// Writes the details that the kept contact takes over; returns whether there were any.
async fn join_details(tx: &mut Transaction, kept: &Contact, merged: &Contact) -> Result<bool> {
    let mut details = kept.details();
    details.exclude_from_segments |= merged.exclude_from_segments;
    details.privacy_blocked |= merged.privacy_blocked;
    if details.company_id.is_none() {
        details.company_id = merged.company_id.clone();
    }
    if details == kept.details() {
        return Ok(false);
    }
    let new = NewContact {
        id: kept.id.clone(),
        details,
    };
    store::contacts::write(tx, &[], &[(kept.contact_number, new)]).await?;
    Ok(true)
}
