//! Deleting a contact, in steps if it has many people or groups.

use serde::{Deserialize, Serialize};

use super::{move_people, unassign_groups};
use crate::{
    domain::{
        Call, Committed, Domain, Error, IdempotencyKey, Precondition, Result,
        idempotency::{LongWork, StepOutcome, recorded_as_is},
        lookup,
        segments::merges,
    },
    model::{Change, Contact, ContactId},
    store::{self, Transaction},
};

/// What a deletion of a contact affected.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct DeletedContact {
    /// Memberships that were deleted with it.
    pub(crate) unassigned: usize,
    /// People that no longer have a company.
    pub(crate) detached: usize,
}

recorded_as_is!(DeletedContact);

/// Deletes a contact and its memberships; with `force` also a company with people, who stay, and
/// a contact that is on segments.
pub(crate) async fn delete(
    domain: &Domain,
    call: &Call,
    id: &ContactId,
    etag: Option<&str>,
    force: bool,
    key: Option<IdempotencyKey>,
) -> Result<Committed<DeletedContact>> {
    let deletion = ContactDeletion {
        id: id.clone(),
        etag: etag.map(str::to_owned),
        force,
        validate_only: call.validate_only,
    };
    domain.write_in_steps(call, key, deletion).await
}

struct ContactDeletion {
    id: ContactId,
    etag: Option<String>,
    force: bool,
    validate_only: bool,
}

/// What a deletion that is not complete has done.
#[derive(Serialize, Deserialize)]
struct BegunContactDeletion {
    /// The contact. Another one may have its id by now.
    contact_number: i32,
    done: DeletedContact,
}

impl LongWork for ContactDeletion {
    type Result = DeletedContact;
    type Begun = BegunContactDeletion;

    async fn step(
        &self,
        tx: &mut Transaction,
        begun: Option<BegunContactDeletion>,
    ) -> Result<StepOutcome<DeletedContact, BegunContactDeletion>> {
        let (contact, mut done) = match begun {
            None => {
                let etag = self.etag.as_deref();
                let contact = lookup::current_contact(tx, &self.id, etag).await?;
                (contact, DeletedContact::default())
            }
            Some(BegunContactDeletion {
                contact_number,
                done,
            }) => (
                lookup::numbered_contact(tx, contact_number, &self.id).await?,
                done,
            ),
        };
        let contact_number = contact.contact_number;
        if !self.force {
            refuse_people(tx, &self.id).await?;
            merges::require_on_no_segment(tx, &contact).await?;
        }
        if self.validate_only {
            return planned(tx, &contact).await.map(StepOutcome::Done);
        }
        let (people, more) = move_people(tx, &self.id, None).await?;
        done.detached += people.len();
        if !people.is_empty() {
            tx.log(Change::ContactsUpdated(people));
        }
        if more {
            return Ok(StepOutcome::Begun(BegunContactDeletion {
                contact_number,
                done,
            }));
        }
        let codes = lookup::codes_of(tx, &contact).await?;
        let (codes, more) = unassign_groups(tx, &contact, codes).await?;
        done.unassigned += codes.len();
        if more {
            return Ok(StepOutcome::Begun(BegunContactDeletion {
                contact_number,
                done,
            }));
        }
        remove(tx, contact).await?;
        Ok(StepOutcome::Done(done))
    }
}

/// What the whole deletion does.
async fn planned(tx: &mut Transaction, contact: &Contact) -> Result<DeletedContact> {
    let detached = count_people(tx, &contact.id).await?;
    Ok(DeletedContact {
        unassigned: contact.mailing_group_count.try_into().unwrap_or_default(),
        detached: usize::try_from(detached).unwrap_or_default(),
    })
}

/// Deletes a contact without people and memberships.
pub(super) async fn remove(tx: &mut Transaction, contact: Contact) -> Result<()> {
    let number = contact.contact_number;
    store::contacts::delete(tx, number).await?;
    tx.log(Change::ContactsDeleted(vec![number], vec![contact.id]));
    Ok(())
}

/// The number of people of a company.
pub(super) async fn count_people(tx: &mut Transaction, id: &ContactId) -> Result<i64> {
    let tenant_id = tx.tenant_id();
    let counted = store::contacts::count_people(tx, tenant_id, &[id]).await?;
    Ok(counted.into_iter().map(|(_, count)| count).sum())
}

/// Refuses a company that has people.
async fn refuse_people(tx: &mut Transaction, id: &ContactId) -> Result<()> {
    match count_people(tx, id).await? {
        0 => Ok(()),
        count => {
            let id = id.clone();
            Err(Error::Precondition(Precondition::CompanyHasPeople {
                id,
                count,
            }))
        }
    }
}
