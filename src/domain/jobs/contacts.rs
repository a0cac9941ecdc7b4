//! Reading, creating and changing single contacts, in batches.

use std::collections::HashSet;

use super::{JobItem, batch_call, read_call};
use crate::{
    domain::{
        Error, Resource, Result, Violation,
        batch::{BatchOperation, ConflictKeys},
        database::{Committed, Database},
        lookup::{self, check_contact_etag},
        upsert::{KnownContacts, ReuseFormer, upsert_each},
    },
    model::{Contact, ContactChange, ContactDetails, ContactId, NewContact, TenantName},
    store::{self, Transaction},
};

/// Reads one contact per call.
pub(in crate::domain) struct GetContacts(pub(in crate::domain) Database);

impl BatchOperation for GetContacts {
    type Item = ContactId;
    type Output = Contact;

    async fn run(&self, tenant: &TenantName, ids: &[ContactId]) -> Result<Vec<Result<Contact>>> {
        let call = read_call(tenant);
        let read = self.0.read_of(&call, async |conn, tenant_id| {
            lookup::contacts(conn, tenant_id, ids).await
        });
        let named = read.await?;
        let output = |id| named.get(id).map_err(|now| Error::no_contact(id, now));
        Ok(ids.iter().map(output).collect())
    }
}

/// A contact to create.
pub(in crate::domain) struct CreateContact {
    /// `None`: the next of the series.
    pub(in crate::domain) id: Option<ContactId>,
    pub(in crate::domain) details: ContactDetails,
    pub(in crate::domain) reuse_former: ReuseFormer,
}

/// Creates one contact per call.
pub(in crate::domain) struct CreateContacts(pub(in crate::domain) Database);

impl BatchOperation for CreateContacts {
    type Item = JobItem<CreateContact>;
    type Output = Committed<Contact>;

    async fn run(
        &self,
        tenant: &TenantName,
        items: &[JobItem<CreateContact>],
    ) -> Result<Vec<Result<Committed<Contact>>>> {
        let call = batch_call(tenant, items);
        let create = async |tx: &mut Transaction| {
            let new: Vec<&CreateContact> = items.iter().map(|item| &item.input).collect();
            let created = create(tx, &new).await?;
            refuse_failed(tx, &created);
            Ok(created)
        };
        Ok(committed(self.0.write(&call, create).await?))
    }

    /// A batch creates at most one contact with an id, so that the second of two is refused because
    /// of the first; and a company before its people.
    fn conflict_keys(item: &JobItem<CreateContact>) -> ConflictKeys<'_> {
        ConflictKeys {
            exclusive: item.input.id.as_ref().map(ContactId::as_str),
            shared: item
                .input
                .details
                .company_id
                .as_ref()
                .map(ContactId::as_str),
        }
    }
}

/// Creates one contact.
pub(in crate::domain) async fn create_one(
    tx: &mut Transaction,
    new: CreateContact,
) -> Result<Contact> {
    let created = create(tx, &[&new]).await?.pop();
    created.unwrap_or_else(|| Err(Error::broken("no result")))
}

/// Creates contacts, no two of the same id. Returns one result per item, in order.
pub(in crate::domain) async fn create(
    tx: &mut Transaction,
    items: &[&CreateContact],
) -> Result<Vec<Result<Contact>>> {
    let ids = assign_ids(tx, items).await?;
    let companies = items.iter().filter_map(|it| it.details.company_id.as_ref());
    let mut known = KnownContacts::default();
    let tenant_id = tx.tenant_id();
    known
        .read(tx, tenant_id, ids.iter().chain(companies))
        .await?;
    let new = ids.into_iter().zip(items).map(|(id, item)| {
        if known.get(&id).is_some() {
            let (resource, name) = (Resource::Contact, id.to_string());
            return Err(Error::AlreadyExists { resource, name });
        }
        let details = item.details.clone();
        Ok((NewContact { id, details }, item.reuse_former))
    });
    let new = new.collect();
    upsert_each(tx, known, new).await
}

/// The ids of contacts to create; those without one get the next ids of the series that neither a
/// contact nor another item has.
async fn assign_ids(tx: &mut Transaction, items: &[&CreateContact]) -> Result<Vec<ContactId>> {
    let given: HashSet<&ContactId> = items.iter().filter_map(|item| item.id.as_ref()).collect();
    let mut series = Vec::new().into_iter();
    if items.len() > given.len() {
        series = next_of_series(tx, items.len() - given.len(), &given)
            .await?
            .into_iter();
    }
    let ids = items
        .iter()
        .map(|item| item.id.clone().or_else(|| series.next()));
    ids.collect::<Option<_>>()
        .ok_or_else(|| Error::broken("two items of one id"))
}

/// Takes the next `count` free ids of the series, except the given ones.
async fn next_of_series(
    tx: &mut Transaction,
    count: usize,
    given: &HashSet<&ContactId>,
) -> Result<Vec<ContactId>> {
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let from = *tx.contact_serial();
        let wanted = count - ids.len() + given.len();
        let free = store::contacts::free_serials(tx, from, wanted).await?;
        let mut next = from + store::contacts::SERIALS_SEARCHED;
        let mut free = free.into_iter();
        while ids.len() < count
            && let Some(serial) = free.next()
        {
            let id = id_of_series(serial)?;
            if !given.contains(&id) {
                ids.push(id);
            }
            next = serial + 1;
        }
        *tx.contact_serial() = next;
    }
    Ok(ids)
}

fn id_of_series(serial: i64) -> Result<ContactId> {
    let id = format!("CT{serial:06}");
    id.parse()
        .map_err(|_| Error::broken("the series of contact ids is exhausted"))
}

/// A contact to change.
pub(in crate::domain) struct UpdateContact {
    pub(in crate::domain) id: ContactId,
    pub(in crate::domain) change: ContactChange,
    pub(in crate::domain) etag: Option<String>,
    /// The details of the contact if it does not exist, or why it cannot be created.
    pub(in crate::domain) or_create: Option<(Result<ContactDetails, Vec<Violation>>, ReuseFormer)>,
}

/// Changes one contact per call.
pub(in crate::domain) struct UpdateContacts(pub(in crate::domain) Database);

impl BatchOperation for UpdateContacts {
    type Item = JobItem<UpdateContact>;
    type Output = Committed<Contact>;

    async fn run(
        &self,
        tenant: &TenantName,
        items: &[JobItem<UpdateContact>],
    ) -> Result<Vec<Result<Committed<Contact>>>> {
        let call = batch_call(tenant, items);
        let update = async |tx: &mut Transaction| {
            let changes: Vec<&UpdateContact> = items.iter().map(|item| &item.input).collect();
            let changed = update(tx, &changes).await?;
            refuse_failed(tx, &changed);
            Ok(changed)
        };
        Ok(committed(self.0.write(&call, update).await?))
    }

    /// A batch changes a contact at most once: two changes under one revision would have the same
    /// etag. A contact and its company are not changed together, so that a refusal of one does not
    /// affect the other.
    fn conflict_keys(item: &JobItem<UpdateContact>) -> ConflictKeys<'_> {
        ConflictKeys {
            exclusive: Some(item.input.id.as_str()),
            shared: item.input.company_id().map(ContactId::as_str),
        }
    }
}

/// Changes one contact.
pub(in crate::domain) async fn update_one(
    tx: &mut Transaction,
    change: UpdateContact,
) -> Result<Contact> {
    let updated = update(tx, &[&change]).await?.pop();
    updated.unwrap_or_else(|| Err(Error::broken("no result")))
}

/// Changes contacts, no two of the same id. Returns one result per item, in order.
async fn update(tx: &mut Transaction, items: &[&UpdateContact]) -> Result<Vec<Result<Contact>>> {
    let companies = items.iter().filter_map(|item| item.company_id());
    let ids = items.iter().map(|item| &item.id);
    let mut known = KnownContacts::default();
    let tenant_id = tx.tenant_id();
    known
        .read(tx, tenant_id, ids.clone().chain(companies))
        .await?;
    known.read_merged(tx, tenant_id, ids).await?;
    let changed = items.iter().map(|item| {
        let id = item.id.clone();
        let details = item.details(&known)?;
        let reuse_former = item.or_create.as_ref().is_some_and(|(_, reuse)| *reuse);
        Ok((NewContact { id, details }, reuse_former))
    });
    let changed = changed.collect();
    upsert_each(tx, known, changed).await
}

impl UpdateContact {
    /// The company that the contact gets.
    fn company_id(&self) -> Option<&ContactId> {
        let created = self.or_create.as_ref();
        let created = created.and_then(|(details, _)| details.as_ref().ok());
        self.change
            .new_company()
            .or(created.and_then(|new| new.company_id.as_ref()))
    }

    /// The details of the contact after the change.
    fn details(&self, known: &KnownContacts) -> Result<ContactDetails> {
        match (known.get(&self.id), &self.or_create) {
            (Some(contact), _) => {
                check_contact_etag(contact, self.etag.as_deref())?;
                Ok(self.change.clone().apply(contact.details()))
            }
            // An etag names a contact that does not exist any more.
            (None, Some(_)) if self.etag.is_some() => {
                Err(Error::stale(Resource::Contact, &self.id))
            }
            (None, Some((details, _))) => details.clone().map_err(Error::Invalid),
            (None, None) => {
                let merged_into = known.merged_into(&self.id).map(ToString::to_string);
                Err(Error::no_contact(&self.id, merged_into))
            }
        }
    }
}

/// Refuses a batch of which nothing succeeded.
fn refuse_failed(tx: &mut Transaction, results: &[Result<Contact>]) {
    if results.iter().all(Result::is_err) {
        tx.refuse();
    }
}

fn committed(
    (results, revision): Committed<Vec<Result<Contact>>>,
) -> Vec<Result<Committed<Contact>>> {
    let results = results.into_iter();
    results.map(|result| Ok((result?, revision))).collect()
}
