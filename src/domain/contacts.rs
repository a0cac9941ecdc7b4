//! Operations on contacts.

mod batch;
mod delete;
mod merge;

pub(crate) use self::{
    batch::{CreateOutcome, create_many},
    delete::delete,
    merge::merge,
};
use super::{
    Call, Committed, Domain, IdempotencyKey, MAX_STEP_ROWS, Result, Violation, assign,
    jobs::{
        self, CreateContact, CreateContacts, GetContacts, JobItem, UpdateContact, UpdateContacts,
    },
    lookup::{self, Found},
    memberships,
    upsert::ReuseFormer,
};
use crate::{
    model::{
        AttributeKey, Code, Contact, ContactChange, ContactDetails, ContactId, ContactKind,
        CountedText, Direction, Email, PageSize,
    },
    store::{self, Transaction, contacts::ContactFilter},
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
    let read = async |conn: &mut _, tenant_id| lookup::contacts(conn, tenant_id, &ids).await;
    let named = domain.read_page_of(call, read).await?;
    Ok(named.in_order(ids))
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
        .read_page_of(call, async |conn, tenant_id| {
            if let Some(id) = &filter.company_id {
                lookup::contact(conn, tenant_id, id).await?;
            }
            let group_id = match &filter.code {
                Some(code) => Some(lookup::group(conn, tenant_id, code).await?.group_id),
                None => None,
            };
            let filter = ContactFilter {
                prefix: filter.prefix.clone(),
                kind: filter.kind,
                company_id: filter.company_id.clone(),
                group_id,
                name_contains: filter.name_contains.clone(),
                email: filter.email.clone(),
            };
            Ok(store::contacts::page(conn, tenant_id, &filter, after, size).await?)
        })
        .await
}

/// Lists the values that contacts have for an attribute, or without a key the keys, after `after`.
pub(crate) async fn attribute_values(
    domain: &Domain,
    call: &Call,
    key: Option<&AttributeKey>,
    after: Option<&String>,
    size: PageSize,
) -> Result<Vec<CountedText>> {
    let read = async |conn: &mut _, tenant_id| {
        Ok(store::contacts::attribute_values(conn, tenant_id, key, after, size).await?)
    };
    domain.read_page_of(call, read).await
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

/// Moves people of a company, in a step: at most [`MAX_STEP_ROWS`] of them. Returns their numbers, and
/// whether there are more.
async fn move_people(
    tx: &mut Transaction,
    from: &ContactId,
    to: Option<&ContactId>,
) -> Result<(Vec<i32>, bool)> {
    let moved = store::contacts::move_people(tx, from, to, MAX_STEP_ROWS).await?;
    let more = moved.len() == MAX_STEP_ROWS && store::contacts::has_people(tx, from).await?;
    Ok((moved, more))
}

/// Unassigns these groups from a contact, in a step: at most [`MAX_STEP_ROWS`] of them. Returns their
/// codes, and whether there are more.
async fn unassign_groups(
    tx: &mut Transaction,
    contact: &Contact,
    mut codes: Vec<Code>,
) -> Result<(Vec<Code>, bool)> {
    let more = codes.len() > MAX_STEP_ROWS;
    codes.truncate(MAX_STEP_ROWS);
    let pairs = memberships::pairs(&contact.id, &codes);
    assign::change(tx, &pairs, Direction::Unassign).await?;
    Ok((codes, more))
}
