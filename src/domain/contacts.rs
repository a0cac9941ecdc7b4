//! Operations on contacts.

mod batch;
mod merge;

use serde::{Deserialize, Serialize};

pub(crate) use self::{
    batch::{CreateOutcome, create_many},
    merge::merge,
};
use super::{
    Call, Committed, Domain, Error, IdempotencyKey, Precondition, Result, Violation,
    jobs::{
        self, CreateContact, CreateContacts, GetContacts, JobItem, UpdateContact, UpdateContacts,
    },
    lookup::{self, Found},
    memberships,
    once::recorded_as_is,
    segments::merges,
    upsert::ReuseFormer,
};
use crate::{
    model::{
        Change, Code, Contact, ContactChange, ContactDetails, ContactId, ContactKind, Direction,
        Email, PageSize,
    },
    store::{self, Connection, Transaction, contacts::ContactFilter},
};

/// Creates a contact; without an id it gets the next of the series `CT000001`. With `reuse_former` the
/// id may be that of a merged contact.
pub(crate) async fn create(
    domain: &Domain,
    call: &Call,
    id: Option<ContactId>,
    details: ContactDetails,
    reuse_former: ReuseFormer,
    key: Option<IdempotencyKey>,
) -> Result<Committed<Contact>> {
    let new = CreateContact {
        id,
        details,
        reuse_former,
    };
    if key.is_some() {
        let create = async |tx: &mut Transaction| jobs::create_one(tx, new).await;
        return domain.write_once(call, key, create).await;
    }
    let operation = || CreateContacts(domain.database.clone());
    let batcher = &domain.jobs.create_contact;
    batcher
        .run(&call.tenant, JobItem::new(call, new), operation)
        .await
}

/// Reads a contact.
pub(crate) async fn get(domain: &Domain, call: &Call, id: &ContactId) -> Result<Contact> {
    let operation = || GetContacts(domain.database.clone());
    let batcher = &domain.jobs.get_contact;
    batcher.run(&call.tenant, id.clone(), operation).await
}

/// Reads contacts, and says which ids no contact has, or which replace them.
pub(crate) async fn get_all(
    domain: &Domain,
    call: &Call,
    ids: Vec<ContactId>,
) -> Result<Found<Contact, ContactId>> {
    let wanted: Vec<&ContactId> = ids.iter().collect();
    let read = async |conn: &mut Connection, tenant_id| {
        let read = store::contacts::find_all(conn, tenant_id, &wanted).await?;
        let current = async |missing: &[_]| lookup::merged(conn, tenant_id, missing).await;
        lookup::in_order(&ids, read, |contact| &contact.id, current).await
    };
    domain.read_of(call, read).await
}

/// The filters of a list of contacts; all of them apply.
#[derive(Debug, Default)]
pub(crate) struct ListFilter {
    /// Prefix of ids.
    pub(crate) prefix: String,
    pub(crate) kind: Option<ContactKind>,
    /// People of this company.
    pub(crate) company_id: Option<ContactId>,
    /// Members of this group.
    pub(crate) code: Option<Code>,
    /// A part of the name, in any case and with or without accents.
    pub(crate) name_contains: String,
    /// The e-mail address, in any case.
    pub(crate) email: Option<Email>,
}

/// Lists contacts by id, after `after`. An unknown company or group is an error.
pub(crate) async fn list(
    domain: &Domain,
    call: &Call,
    filter: ListFilter,
    after: Option<&ContactId>,
    size: PageSize,
) -> Result<Vec<Contact>> {
    domain
        .read_of(call, async |conn, tenant_id| {
            if let Some(id) = &filter.company_id {
                lookup::contact(conn, tenant_id, id).await?;
            }
            let group_id = match &filter.code {
                Some(code) => Some(lookup::group(conn, tenant_id, code).await?.group_id),
                None => None,
            };
            let filter = ContactFilter {
                prefix: filter.prefix,
                kind: filter.kind,
                company_id: filter.company_id,
                group_id,
                name_contains: filter.name_contains,
                email: filter.email,
            };
            Ok(store::contacts::page(conn, tenant_id, &filter, after, size).await?)
        })
        .await
}

/// Changes a contact; with `or_create`, one that does not exist is created with these details.
pub(crate) async fn update(
    domain: &Domain,
    call: &Call,
    id: &ContactId,
    change: ContactChange,
    etag: Option<&str>,
    or_create: Option<(Result<ContactDetails, Vec<Violation>>, ReuseFormer)>,
    key: Option<IdempotencyKey>,
) -> Result<Committed<Contact>> {
    let update = UpdateContact {
        id: id.clone(),
        change,
        etag: etag.map(str::to_owned),
        or_create,
    };
    if key.is_some() {
        let update = async |tx: &mut Transaction| jobs::update_one(tx, update).await;
        return domain.write_once(call, key, update).await;
    }
    let operation = || UpdateContacts(domain.database.clone());
    let batcher = &domain.jobs.update_contact;
    batcher
        .run(&call.tenant, JobItem::new(call, update), operation)
        .await
}

/// What a deletion of a contact affected.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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
    domain
        .write_once(call, key, async |tx| {
            let contact = lookup::current_contact(tx, id, etag).await?;
            if !force {
                refuse_people(tx, id).await?;
                merges::require_on_no_segment(tx, &contact).await?;
            }
            let people = store::contacts::move_people(tx, id, None).await?;
            let detached = people.len();
            if detached > 0 {
                tx.log(Change::ContactsUpdated(people));
            }
            let unassigned = remove(tx, contact).await?.len();
            Ok(DeletedContact {
                unassigned,
                detached,
            })
        })
        .await
}

/// Deletes a contact without people and its memberships; returns the codes of its groups.
async fn remove(tx: &mut Transaction, contact: Contact) -> Result<Vec<Code>> {
    let codes = lookup::codes_of(tx, &contact).await?;
    let pairs = memberships::pairs(&contact.id, &codes);
    memberships::change(tx, &pairs, Direction::Unassign).await?;
    store::contacts::delete(tx, contact.contact_number).await?;
    tx.log(Change::ContactsDeleted(
        vec![contact.contact_number],
        vec![contact.id],
    ));
    Ok(codes)
}

/// Refuses a company that has people.
async fn refuse_people(tx: &mut Transaction, id: &ContactId) -> Result<()> {
    let tenant_id = tx.tenant_id();
    match store::contacts::count_people(tx, tenant_id, &[id])
        .await?
        .pop()
    {
        None => Ok(()),
        Some((id, count)) => Err(Error::Precondition(Precondition::CompanyHasPeople {
            id,
            count,
        })),
    }
}
