//! Merging two contacts.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{
    delete::{count_people, remove},
    move_people, unassign_groups,
};
use crate::{
    domain::{
        BrokenRule, Call, Committed, ContactField, Domain, Error, IdempotencyKey, Precondition,
        Result,
        idempotency::{ContactRecord, LongWork, Recorded, StepOutcome},
        lookup, memberships,
        segments::merges,
    },
    model::{Attributes, Change, Code, Contact, ContactDetails, ContactId, NewContact},
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

/// Moves the groups and the people of `merged_id` to `kept_id` and deletes the former, in steps if they
/// are many. The kept contact keeps its details and takes over those that it lacks: it is left out of
/// segments if either was. It takes the merged contact's place on segments.
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
    let merge = ContactMerge {
        kept_id: kept_id.clone(),
        merged_id: merged_id.clone(),
        validate_only: call.validate_only,
    };
    domain.write_in_steps(call, key, merge).await
}

struct ContactMerge {
    kept_id: ContactId,
    merged_id: ContactId,
    validate_only: bool,
}

/// What a merge that is not complete has done.
#[derive(Serialize, Deserialize)]
struct BegunMerge {
    /// The contacts. Others may have their ids by now.
    kept: i32,
    merged: i32,
    done: Moved,
}

/// What moved to the kept contact.
#[derive(Default, Serialize, Deserialize)]
struct Moved {
    /// Codes that only the merged contact had.
    codes: Vec<Code>,
    /// Codes that both had.
    common: Vec<Code>,
    people: usize,
}

impl LongWork for ContactMerge {
    type Result = MergeResult;
    type Begun = BegunMerge;

    async fn step(
        &self,
        tx: &mut Transaction,
        begun: Option<BegunMerge>,
    ) -> Result<StepOutcome<MergeResult, BegunMerge>> {
        let (kept, merged, mut done) = self.contacts(tx, begun).await?;
        if self.validate_only {
            return planned(tx, kept, merged).await.map(StepOutcome::Done);
        }
        let begun = |done| {
            let (kept, merged) = (kept.contact_number, merged.contact_number);
            Ok(StepOutcome::Begun(BegunMerge { kept, merged, done }))
        };
        let (mut changed, more) = move_people(tx, &merged.id, Some(&kept.id)).await?;
        done.people += changed.len();
        if more {
            tx.log(Change::ContactsUpdated(changed));
            return begun(done);
        }
        if move_groups(tx, &kept, &merged, &mut done).await? {
            if !changed.is_empty() {
                tx.log(Change::ContactsUpdated(changed));
            }
            return begun(done);
        }
        let (details, taken_over) = joined(&kept, &merged);
        if !taken_over.is_empty() {
            let id = kept.id.clone();
            let new = NewContact { id, details };
            store::contacts::write(tx, &[], &[(&kept, new)]).await?;
            changed.push(kept.contact_number);
        }
        if !changed.is_empty() {
            tx.log(Change::ContactsUpdated(changed));
        }
        merges::redirect_merged(tx, &merged, &kept).await?;
        remove(tx, merged).await?;
        let tenant_id = tx.tenant_id();
        let contact = lookup::contact(tx, tenant_id, &kept.id).await?;
        Ok(StepOutcome::Done(MergeResult::new(
            contact, done, taken_over,
        )))
    }
}

impl ContactMerge {
    /// The two contacts, and what was done with them so far.
    async fn contacts(
        &self,
        tx: &mut Transaction,
        begun: Option<BegunMerge>,
    ) -> Result<(Contact, Contact, Moved)> {
        let tenant_id = tx.tenant_id();
        let (kept, merged, done) = match begun {
            None => (
                lookup::contact(tx, tenant_id, &self.kept_id).await?,
                lookup::contact(tx, tenant_id, &self.merged_id).await?,
                Moved::default(),
            ),
            Some(BegunMerge { kept, merged, done }) => (
                lookup::numbered_contact(tx, kept, &self.kept_id).await?,
                lookup::numbered_contact(tx, merged, &self.merged_id).await?,
                done,
            ),
        };
        if kept.kind != merged.kind {
            let (kept, merged) = (kept.id, merged.id);
            return Err(Error::Precondition(Precondition::DifferentKinds {
                kept,
                merged,
            }));
        }
        // Before anything moves.
        let count = joined(&kept, &merged).0.attributes.len();
        if count > Attributes::MAX {
            let (kept, merged) = (kept.id, merged.id);
            return Err(Error::Precondition(Precondition::TooManyAttributes {
                kept,
                merged,
                count,
            }));
        }
        Ok((kept, merged, done))
    }
}

/// Moves the groups of the merged contact, in a step; whether there are more.
async fn move_groups(
    tx: &mut Transaction,
    kept: &Contact,
    merged: &Contact,
    done: &mut Moved,
) -> Result<bool> {
    let codes = lookup::codes_of(tx, merged).await?;
    let (codes, more) = unassign_groups(tx, merged, codes).await?;
    let (common, moved) = compared(tx, kept, codes).await?;
    memberships::assign_all(tx, &kept.id, &moved).await?;
    done.codes.extend(moved);
    done.common.extend(common);
    Ok(more)
}

/// The codes among these that a contact has, and those that it lacks.
async fn compared(
    tx: &mut Transaction,
    contact: &Contact,
    codes: Vec<Code>,
) -> Result<(Vec<Code>, Vec<Code>)> {
    let had: HashSet<Code> = lookup::codes_of(tx, contact).await?.into_iter().collect();
    Ok(codes.into_iter().partition(|code| had.contains(code)))
}

/// What the whole merge does.
async fn planned(tx: &mut Transaction, kept: Contact, merged: Contact) -> Result<MergeResult> {
    let codes = lookup::codes_of(tx, &merged).await?;
    let (common, codes) = compared(tx, &kept, codes).await?;
    let people = count_people(tx, &merged.id).await?;
    let (details, taken_over) = joined(&kept, &merged);
    let mut contact = kept;
    if !taken_over.is_empty() || !codes.is_empty() {
        contact = contact.with_details(details, tx.revision(), tx.time());
    }
    contact.mailing_group_count += i32::try_from(codes.len()).unwrap_or_default();
    let moved = Moved {
        codes,
        common,
        people: usize::try_from(people).unwrap_or_default(),
    };
    Ok(MergeResult::new(contact, moved, taken_over))
}

impl MergeResult {
    fn new(contact: Contact, moved: Moved, taken_over: Vec<ContactField>) -> Self {
        Self {
            contact,
            moved: moved.codes,
            common: moved.common,
            moved_people: moved.people,
            taken_over,
        }
    }
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
    if details.attributes.take_missing(&merged.attributes) {
        taken_over.push(ContactField::Attributes);
    }
    (details, taken_over)
}
