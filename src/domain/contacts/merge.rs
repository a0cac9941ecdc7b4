//! Merging two contacts.

use serde::{Deserialize, Serialize};

use super::remove;
use crate::{
    domain::{
        BrokenRule, Call, Committed, ContactField, Domain, Error, IdempotencyKey, Precondition,
        Result, lookup, memberships,
        once::{ContactRecord, Recorded},
        segments::merges,
    },
    model::{Change, Code, Contact, ContactDetails, ContactId, NewContact},
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
    /// What the kept contact lacked and took over from the merged one.
    pub(crate) taken_over: Vec<ContactField>,
}

/// What is kept of a merge.
#[derive(Serialize, Deserialize)]
pub(in crate::domain) struct MergeRecord {
    contact: ContactRecord,
    moved: Vec<Code>,
    common: Vec<Code>,
    moved_people: usize,
    taken_over: Vec<ContactField>,
}

impl Recorded for MergeResult {
    type Record = MergeRecord;

    fn record(&self) -> MergeRecord {
        MergeRecord {
            contact: self.contact.record(),
            moved: self.moved.clone(),
            common: self.common.clone(),
            moved_people: self.moved_people,
            taken_over: self.taken_over.clone(),
        }
    }

    async fn recall(record: MergeRecord, domain: &Domain, call: &Call) -> Result<Self> {
        Ok(Self {
            contact: Contact::recall(record.contact, domain, call).await?,
            moved: record.moved,
            common: record.common,
            moved_people: record.moved_people,
            taken_over: record.taken_over,
        })
    }
}

/// Moves the groups and the people of `merged_id` to `kept_id` and deletes the former. The kept
/// contact keeps its details and takes over those that it lacks: it is left out of segments if either
/// was. It takes the merged contact's place on segments.
pub(crate) async fn merge(
    domain: &Domain,
    call: &Call,
    kept_id: &ContactId,
    merged_id: &ContactId,
    key: Option<IdempotencyKey>,
) -> Result<Committed<MergeResult>> {
    if kept_id == merged_id {
        return Err(BrokenRule::MergedIntoItself.into());
    }
    domain
        .write_once(call, key, async |tx| merge_in(tx, kept_id, merged_id).await)
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
    let (details, taken_over) = joined(&kept, &merged);
    if !taken_over.is_empty() {
        let id = kept.id.clone();
        let new = NewContact { id, details };
        store::contacts::write(tx, &[], &[(kept.contact_number, new)]).await?;
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
        taken_over,
    })
}

/// The details of the kept contact after the merge, and which it takes over. It has a kind and a name.
fn joined(kept: &Contact, merged: &Contact) -> (ContactDetails, Vec<ContactField>) {
    let mut details = kept.details();
    let mut taken_over = Vec::new();
    if details.company_id.is_none() && merged.company_id.is_some() {
        details.company_id.clone_from(&merged.company_id);
        taken_over.push(ContactField::CompanyId);
    }
    if details.email.as_str().is_empty() && !merged.email.as_str().is_empty() {
        details.email.clone_from(&merged.email);
        taken_over.push(ContactField::Email);
    }
    if !details.exclude_from_segments && merged.exclude_from_segments {
        details.exclude_from_segments = true;
        taken_over.push(ContactField::ExcludeFromSegments);
    }
    if !details.privacy_blocked && merged.privacy_blocked {
        details.privacy_blocked = true;
        taken_over.push(ContactField::PrivacyBlocked);
    }
    (details, taken_over)
}
