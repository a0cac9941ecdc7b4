//! Contacts of concurrent calls, read, created and changed together.

use std::collections::{HashMap, HashSet};

use super::{fresh, put};
use crate::{
    domain::{
        Domain, Error, Resource, Result, Violation, Written,
        batch::{Claim, Work},
        batches::{Asked, call_of, reader_of},
    },
    model::{Contact, ContactChange, ContactDetails, ContactId, NewContact, Revision, TenantName},
    store::{self, Transaction},
};

/// Reading one contact a call.
pub(in crate::domain) struct Reading(pub(super) Domain);

impl Work for Reading {
    type Item = ContactId;
    type Outcome = Contact;

    async fn run(&self, tenant: &TenantName, ids: &[ContactId]) -> Result<Vec<Result<Contact>>> {
        let call = reader_of(tenant);
        let read = self.0.read_of(&call, async |conn, tenant_id| {
            let wanted: HashSet<&ContactId> = ids.iter().collect();
            let wanted: Vec<&ContactId> = wanted.into_iter().collect();
            Ok(store::contacts::find_all(conn, tenant_id, &wanted).await?)
        });
        let found = by_id(read.await?);
        let outcome = |id| found.get(id).cloned().ok_or_else(|| Error::no_contact(id));
        Ok(ids.iter().map(outcome).collect())
    }
}

/// A contact to be created.
pub(in crate::domain) struct Creation {
    /// Without one it gets the next of the series.
    pub(super) id: Option<ContactId>,
    pub(super) details: ContactDetails,
}

/// Creating one contact a call.
pub(in crate::domain) struct Creating(pub(super) Domain);

impl Work for Creating {
    type Item = Asked<Creation>;
    type Outcome = Written<Contact>;

    async fn run(
        &self,
        tenant: &TenantName,
        items: &[Asked<Creation>],
    ) -> Result<Vec<Result<Written<Contact>>>> {
        let call = call_of(tenant, items);
        let create = async |tx: &mut Transaction| {
            let new: Vec<&Creation> = items.iter().map(|item| &item.what).collect();
            create(tx, &new).await
        };
        Ok(written(self.0.write(&call, create).await?))
    }

    /// Of one id a batch creates at most one contact, so that which of them comes first is
    /// settled before the other is looked at; likewise a company before its people.
    fn claim(item: &Asked<Creation>) -> Claim<'_> {
        Claim {
            own: item.what.id.as_ref().map(ContactId::as_str),
            shared: item.what.details.company_id.as_ref().map(ContactId::as_str),
        }
    }
}

/// Creates one contact.
pub(super) async fn create_one(tx: &mut Transaction, new: Creation) -> Result<Contact> {
    let created = create(tx, &[&new]).await?.pop();
    created.unwrap_or_else(|| Err(Error::broken("no outcome")))
}

/// Creates contacts; no two have the same id. Answers one outcome each, in order.
async fn create(tx: &mut Transaction, items: &[&Creation]) -> Result<Vec<Result<Contact>>> {
    let ids = named(tx, items).await?;
    let tenant_id = tx.tenant_id();
    let asked: Vec<&ContactId> = ids.iter().collect();
    let known = by_id(store::contacts::find_all(tx, tenant_id, &asked).await?);
    let items = ids.into_iter().zip(items).map(|(id, item)| {
        if known.contains_key(&id) {
            let (resource, name) = (Resource::Contact, id.to_string());
            return Err(Error::AlreadyExists { resource, name });
        }
        let details = item.details.clone();
        Ok(NewContact { id, details })
    });
    put_all(tx, items.collect()).await
}

/// The ids of contacts to be created; those without one get the next of the series that neither
/// a contact nor another item has.
async fn named(tx: &mut Transaction, items: &[&Creation]) -> Result<Vec<ContactId>> {
    let taken: HashSet<&ContactId> = items.iter().filter_map(|item| item.id.as_ref()).collect();
    let mut series = Vec::new().into_iter();
    if items.len() > taken.len() {
        series = next_of_series(tx, items.len() - taken.len(), &taken)
            .await?
            .into_iter();
    }
    let ids = items
        .iter()
        .map(|item| item.id.clone().or_else(|| series.next()));
    ids.collect::<Option<_>>()
        .ok_or_else(|| Error::broken("two items of one id"))
}

/// Takes the next `count` ids of the series that are free.
async fn next_of_series(
    tx: &mut Transaction,
    count: usize,
    taken: &HashSet<&ContactId>,
) -> Result<Vec<ContactId>> {
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let from = *tx.contact_serial();
        let wanted = count - ids.len() + taken.len();
        let free = store::contacts::free_serials(tx, from, wanted).await?;
        let mut next = from + store::contacts::SERIALS_SEARCHED;
        let mut free = free.into_iter();
        while ids.len() < count
            && let Some(serial) = free.next()
        {
            let id = of_series(serial)?;
            if !taken.contains(&id) {
                ids.push(id);
            }
            next = serial + 1;
        }
        *tx.contact_serial() = next;
    }
    Ok(ids)
}

fn of_series(serial: i64) -> Result<ContactId> {
    let id = format!("CT{serial:06}");
    id.parse()
        .map_err(|_| Error::broken("series of contact ids is spent"))
}

/// A contact to be changed.
pub(in crate::domain) struct Update {
    pub(super) id: ContactId,
    pub(super) change: ContactChange,
    pub(super) etag: Option<String>,
    /// The details of the contact if it does not exist, or why it cannot be created.
    pub(super) or_create: Option<Result<ContactDetails, Vec<Violation>>>,
}

/// Changing one contact a call.
pub(in crate::domain) struct Updating(pub(super) Domain);

impl Work for Updating {
    type Item = Asked<Update>;
    type Outcome = Written<Contact>;

    async fn run(
        &self,
        tenant: &TenantName,
        items: &[Asked<Update>],
    ) -> Result<Vec<Result<Written<Contact>>>> {
        let call = call_of(tenant, items);
        let update = async |tx: &mut Transaction| {
            let tenant_id = tx.tenant_id();
            let ids: Vec<&ContactId> = items.iter().map(|item| &item.what.id).collect();
            let known = by_id(store::contacts::find_all(tx, tenant_id, &ids).await?);
            let changed = items.iter().map(|item| {
                let details = item.what.details(known.get(&item.what.id))?;
                let id = item.what.id.clone();
                Ok(NewContact { id, details })
            });
            put_all(tx, changed.collect()).await
        };
        Ok(written(self.0.write(&call, update).await?))
    }

    /// A batch changes a contact once at most: two changes under one revision would share an
    /// etag. A contact and its company do not change together, so that neither's fate hangs on
    /// what the other is refused for.
    fn claim(item: &Asked<Update>) -> Claim<'_> {
        let changed = item
            .what
            .change
            .company_id
            .as_ref()
            .and_then(Option::as_ref);
        let created = item
            .what
            .or_create
            .as_ref()
            .and_then(|new| new.as_ref().ok());
        let created = created.and_then(|new| new.company_id.as_ref());
        Claim {
            own: Some(item.what.id.as_str()),
            shared: changed.or(created).map(ContactId::as_str),
        }
    }
}

impl Update {
    /// What the contact is to be, if that may be.
    fn details(&self, known: Option<&Contact>) -> Result<ContactDetails> {
        match (known, &self.or_create) {
            (Some(contact), _) => {
                fresh(contact, self.etag.as_deref())?;
                Ok(self.change.clone().apply(contact.details()))
            }
            // What was seen is gone.
            (None, Some(_)) if self.etag.is_some() => {
                Err(Error::stale(Resource::Contact, &self.id))
            }
            (None, Some(details)) => details.clone().map_err(Error::Invalid),
            (None, None) => Err(Error::no_contact(&self.id)),
        }
    }
}

/// Creates or replaces those contacts that are not refused already; no two have the same id.
/// Answers each as it is then.
async fn put_all(
    tx: &mut Transaction,
    items: Vec<Result<NewContact>>,
) -> Result<Vec<Result<Contact>>> {
    let good: Vec<NewContact> = items.iter().flatten().cloned().collect();
    let outcomes = put::put_all(tx, &good).await?;
    if outcomes.iter().all(Result::is_err) {
        tx.refuse();
    }
    let mut outcomes = outcomes.into_iter();
    let outcome = |item: Result<NewContact>| {
        item.and_then(|_| {
            let outcome = outcomes.next();
            outcome.unwrap_or_else(|| Err(Error::broken("no outcome")))
        })
    };
    Ok(items.into_iter().map(outcome).collect())
}

fn written((outcomes, revision): Written<Vec<Result<Contact>>>) -> Vec<Result<Written<Contact>>> {
    let with_revision =
        |outcome: Result<Contact>| -> Result<(Contact, Revision)> { Ok((outcome?, revision)) };
    outcomes.into_iter().map(with_revision).collect()
}

fn by_id(contacts: Vec<Contact>) -> HashMap<ContactId, Contact> {
    let pairs = contacts
        .into_iter()
        .map(|contact| (contact.id.clone(), contact));
    pairs.collect()
}
