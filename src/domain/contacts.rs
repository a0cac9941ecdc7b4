//! Contacts.

pub(super) mod batched;
mod merge;
mod put;

use diesel_async::AsyncPgConnection;

use self::batched::{Creating, Creation, Reading, Update, Updating};
pub(crate) use self::{merge::merge, put::PutOutcome};
use super::{
    Call, Domain, Error, Once, Precondition, Resource, Result, Violation, Written,
    assignments::{self, Direction},
    batches::Asked,
    mailing_groups, segments,
};
use crate::{
    model::{
        Change, Code, Contact, ContactChange, ContactDetails, ContactId, ContactKind, NewContact,
        PageSize, TenantId,
    },
    store::{self, Transaction, contacts::ContactFilter},
};

/// Creates a contact; without an id it gets the next of the series `CT000001`.
pub(crate) async fn create(
    domain: &Domain,
    call: &Call,
    id: Option<ContactId>,
    details: ContactDetails,
    once: Option<Once>,
) -> Result<Written<Contact>> {
    let new = Creation { id, details };
    if once.is_some() {
        let create = async |tx: &mut Transaction| batched::create_one(tx, new).await;
        return domain.write_once(call, once, create).await;
    }
    let work = || Creating(domain.clone());
    let batcher = &domain.batches.create_contact;
    batcher.run(&call.tenant, Asked::by(call, new), work).await
}

/// Reads a contact.
pub(crate) async fn get(domain: &Domain, call: &Call, id: &ContactId) -> Result<Contact> {
    let work = || Reading(domain.clone());
    let batcher = &domain.batches.get_contact;
    batcher.run(&call.tenant, id.clone(), work).await
}

/// What a list of contacts is narrowed to; all of it must hold.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// Ids that start so.
    pub(crate) prefix: String,
    /// This kind.
    pub(crate) kind: Option<ContactKind>,
    /// People of this company.
    pub(crate) company_id: Option<ContactId>,
    /// Members of this group.
    pub(crate) code: Option<Code>,
    /// Names that contain this, in any case.
    pub(crate) name_contains: String,
}

/// Lists contacts by id, after `after`. An unknown company or group is an error.
pub(crate) async fn list(
    domain: &Domain,
    call: &Call,
    filter: Filter,
    after: Option<&ContactId>,
    size: PageSize,
) -> Result<Vec<Contact>> {
    domain
        .read_of(call, async |conn, tenant_id| {
            if let Some(id) = &filter.company_id {
                existing(conn, tenant_id, id).await?;
            }
            let group_id = match &filter.code {
                Some(code) => Some(
                    mailing_groups::existing(conn, tenant_id, code)
                        .await?
                        .group_id,
                ),
                None => None,
            };
            let filter = ContactFilter {
                prefix: filter.prefix,
                kind: filter.kind,
                company_id: filter.company_id,
                group_id,
                name_contains: filter.name_contains,
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
    or_create: Option<Result<ContactDetails, Vec<Violation>>>,
) -> Result<Written<Contact>> {
    let update = Update {
        id: id.clone(),
        change,
        etag: etag.map(str::to_owned),
        or_create,
    };
    let work = || Updating(domain.clone());
    let batcher = &domain.batches.update_contact;
    batcher
        .run(&call.tenant, Asked::by(call, update), work)
        .await
}

/// How far the deletion of a contact reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deleted {
    /// Memberships that went with it.
    pub(crate) unassigned: usize,
    /// People who no longer have a company.
    pub(crate) detached: usize,
}

/// Deletes a contact and its memberships; with `force` also a company that has people, who stay,
/// and a contact that is on segments.
pub(crate) async fn delete(
    domain: &Domain,
    call: &Call,
    id: &ContactId,
    etag: Option<&str>,
    force: bool,
) -> Result<Written<Deleted>> {
    domain
        .write(call, async |tx| {
            let contact = current(tx, id, etag).await?;
            if !force {
                no_people(tx, id).await?;
                segments::require_on_no_segment(tx, &contact).await?;
            }
            let people = store::contacts::move_people(tx, id, None).await?;
            let detached = people.len();
            if detached > 0 {
                tx.log(Change::ContactsUpdated(people));
            }
            let unassigned = remove(tx, contact).await?.len();
            Ok(Deleted {
                unassigned,
                detached,
            })
        })
        .await
}

/// Creates or replaces many contacts. Answers one outcome an item, in order; of the same id twice
/// the last counts.
pub(super) async fn put_in(tx: &mut Transaction, items: &[NewContact]) -> Result<Vec<PutOutcome>> {
    put::put(tx, items).await
}

/// Takes all groups from a contact that has no people, deletes it, and answers the groups.
async fn remove(tx: &mut Transaction, contact: Contact) -> Result<Vec<Code>> {
    let tenant_id = tx.tenant_id();
    let groups = store::memberships::groups_of(tx, tenant_id, contact.contact_number).await?;
    let codes: Vec<Code> = groups.into_iter().map(|(_, code)| code).collect();
    let pairs = assignments::pairs(&contact.id, &codes);
    assignments::change(tx, &pairs, Direction::Unassign).await?;
    store::contacts::delete(tx, contact.contact_number).await?;
    tx.log(Change::ContactsDeleted(
        vec![contact.contact_number],
        vec![contact.id],
    ));
    Ok(codes)
}

/// Refuses a company that has people.
async fn no_people(tx: &mut Transaction, id: &ContactId) -> Result<()> {
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

/// The contact with this id, or the error that it does not exist.
pub(super) async fn existing(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &ContactId,
) -> Result<Contact> {
    let found = store::contacts::find(conn, tenant_id, id).await?;
    found.ok_or_else(|| Error::no_contact(id))
}

/// The contact with this id, if the etag is its own.
pub(super) async fn current(
    tx: &mut Transaction,
    id: &ContactId,
    etag: Option<&str>,
) -> Result<Contact> {
    let contact = find(tx, id).await?.ok_or_else(|| Error::no_contact(id))?;
    fresh(&contact, etag)?;
    Ok(contact)
}

async fn find(tx: &mut Transaction, id: &ContactId) -> Result<Option<Contact>> {
    let tenant_id = tx.tenant_id();
    Ok(store::contacts::find(tx, tenant_id, id).await?)
}

fn fresh(contact: &Contact, etag: Option<&str>) -> Result<()> {
    match etag {
        Some(etag) if etag != contact.etag() => Err(Error::stale(Resource::Contact, &contact.id)),
        _ => Ok(()),
    }
}
