//! Creating many contacts in one call.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        BrokenRule, Call, Committed, ContactField, Domain, Error, IdempotencyKey, Result,
        jobs::{self, CreateContact},
        once::Recorded,
        upsert::ReuseFormer,
    },
    model::{Contact, ContactDetails, ContactId, FormerName},
    store::{self, Transaction},
};

/// The outcome of one contact.
#[derive(Debug)]
pub(crate) enum CreateOutcome {
    /// It was created; `None` if it was deleted since.
    Created(Option<Box<Contact>>),
    /// The id is in use, or another item has it.
    AlreadyExists,
    /// The id is that of a merged contact.
    Merged(FormerName),
    /// A field breaks a rule, perhaps as it is the id of a merged contact.
    Refused(ContactField, String, Option<FormerName>),
}

/// What is kept of an outcome.
#[derive(Serialize, Deserialize)]
pub(crate) enum CreateRecord {
    Created(i32),
    AlreadyExists,
    Merged(FormerName),
    Refused(ContactField, String, Option<FormerName>),
}

impl Recorded for Vec<CreateOutcome> {
    type Record = Vec<CreateRecord>;

    fn record(&self) -> Vec<CreateRecord> {
        let record = |outcome: &CreateOutcome| match outcome {
            // A contact that was just created exists.
            CreateOutcome::Created(contact) => {
                CreateRecord::Created(contact.as_ref().map_or(0, |it| it.contact_number))
            }
            CreateOutcome::AlreadyExists => CreateRecord::AlreadyExists,
            CreateOutcome::Merged(name) => CreateRecord::Merged(name.clone()),
            CreateOutcome::Refused(field, reason, name) => {
                CreateRecord::Refused(*field, reason.clone(), name.clone())
            }
        };
        self.iter().map(record).collect()
    }

    async fn recall(record: Vec<CreateRecord>, domain: &Domain, call: &Call) -> Result<Self> {
        let number = |record: &CreateRecord| match record {
            CreateRecord::Created(number) => Some(*number),
            CreateRecord::AlreadyExists | CreateRecord::Merged(_) | CreateRecord::Refused(..) => {
                None
            }
        };
        let numbers: Vec<i32> = record.iter().filter_map(number).collect();
        let read = domain.read_of(call, async |conn, tenant_id| {
            Ok(store::contacts::by_numbers(conn, tenant_id, numbers).await?)
        });
        let contacts = read.await?.into_iter();
        let mut contacts: HashMap<_, _> = contacts.map(|it| (it.contact_number, it)).collect();
        let outcome = |record| match record {
            CreateRecord::Created(number) => {
                CreateOutcome::Created(contacts.remove(&number).map(Box::new))
            }
            CreateRecord::AlreadyExists => CreateOutcome::AlreadyExists,
            CreateRecord::Merged(name) => CreateOutcome::Merged(name),
            CreateRecord::Refused(field, reason, name) => {
                CreateOutcome::Refused(field, reason, name)
            }
        };
        Ok(record.into_iter().map(outcome).collect())
    }
}

/// Creates contacts in one transaction; those without an id get the next ones of the series. Returns
/// one outcome per item, in order. With `reuse_former` ids may be those of merged contacts.
pub(crate) async fn create_many(
    domain: &Domain,
    call: &Call,
    items: Vec<(Option<ContactId>, ContactDetails)>,
    reuse_former: ReuseFormer,
    key: Option<IdempotencyKey>,
) -> Result<Committed<Vec<CreateOutcome>>> {
    let items = items.into_iter();
    let items: Vec<_> = items
        .map(|(id, details)| CreateContact {
            id,
            details,
            reuse_former,
        })
        .collect();
    let is_kept = key.is_some();
    domain
        .write_once(call, key, async |tx| {
            let outcomes = create_in(tx, &items).await?;
            let created = |it: &CreateOutcome| matches!(it, CreateOutcome::Created(_));
            if !is_kept && !outcomes.iter().any(created) {
                tx.refuse();
            }
            Ok(outcomes)
        })
        .await
}

/// Creates the contacts whose id no earlier item has.
async fn create_in(tx: &mut Transaction, items: &[CreateContact]) -> Result<Vec<CreateOutcome>> {
    let mut ids = HashSet::new();
    let mut is_first = |item: &CreateContact| match &item.id {
        Some(id) => ids.insert(id.clone()),
        None => true,
    };
    let first: Vec<bool> = items.iter().map(&mut is_first).collect();
    let new = items.iter().zip(&first).filter(|(_, first)| **first);
    let new: Vec<_> = new.map(|(item, _)| item).collect();
    let mut results = jobs::create(tx, &new).await?.into_iter();
    let outcomes = first.into_iter().map(|first| match first {
        true => results.next().map_or_else(no_result, outcome),
        false => Ok(CreateOutcome::AlreadyExists),
    });
    outcomes.collect()
}

fn no_result() -> Result<CreateOutcome> {
    Err(Error::broken("no result"))
}

/// What a result means for its item. Other errors concern the whole call.
fn outcome(result: Result<Contact>) -> Result<CreateOutcome> {
    match result {
        Ok(contact) => Ok(CreateOutcome::Created(Some(Box::new(contact)))),
        Err(Error::AlreadyExists { .. }) => Ok(CreateOutcome::AlreadyExists),
        Err(Error::BrokenRule(BrokenRule::Contact(refusal))) => {
            let (field, reason) = (refusal.field(), refusal.rule());
            Ok(CreateOutcome::Refused(field, reason, refusal.former_name()))
        }
        Err(Error::FormerName { name, current, .. }) => Ok(CreateOutcome::Merged(FormerName {
            former: name,
            current,
        })),
        Err(error) => Err(error),
    }
}
