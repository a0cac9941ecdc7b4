//! Creating many contacts in one call.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        BrokenRule, Call, Committed, ContactField, Domain, Error, IdempotencyKey, Result,
        jobs::{self, CreateContact},
        once::Recorded,
    },
    model::{Contact, ContactDetails, ContactId},
    store::{self, Transaction},
};

/// The outcome of one contact.
#[derive(Debug)]
pub(crate) enum CreateOutcome {
    /// It was created; `None` if it was deleted since.
    Created(Option<Box<Contact>>),
    /// The id is in use, or another item has it.
    AlreadyExists,
    /// A field breaks a rule.
    Refused(ContactField, String),
}

/// What is kept of an outcome.
#[derive(Serialize, Deserialize)]
pub(crate) enum CreateRecord {
    Created(i32),
    AlreadyExists,
    Refused(ContactField, String),
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
            CreateOutcome::Refused(field, reason) => CreateRecord::Refused(*field, reason.clone()),
        };
        self.iter().map(record).collect()
    }

    async fn recall(record: Vec<CreateRecord>, domain: &Domain, call: &Call) -> Result<Self> {
        let number = |record: &CreateRecord| match record {
            CreateRecord::Created(number) => Some(*number),
            CreateRecord::AlreadyExists | CreateRecord::Refused(..) => None,
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
            CreateRecord::Refused(field, reason) => CreateOutcome::Refused(field, reason),
        };
        Ok(record.into_iter().map(outcome).collect())
    }
}

/// Creates contacts in one transaction; those without an id get the next ones of the series. Returns
/// one outcome per item, in order.
pub(crate) async fn create_many(
    domain: &Domain,
    call: &Call,
    items: Vec<(Option<ContactId>, ContactDetails)>,
    key: Option<IdempotencyKey>,
) -> Result<Committed<Vec<CreateOutcome>>> {
    let items = items.into_iter();
    let items: Vec<_> = items
        .map(|(id, details)| CreateContact { id, details })
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
            Ok(CreateOutcome::Refused(field, reason))
        }
        Err(error) => Err(error),
    }
}
