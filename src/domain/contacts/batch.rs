//! Creating many contacts in one call.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        BrokenRule, Call, Committed, ContactField, Domain, Error, IdempotencyKey, Result,
        idempotency::Recorded,
        jobs::{self, CreateContact},
        lookup,
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
    Merged(Option<FormerName>),
    /// A field breaks a rule, perhaps as it is the id of a merged contact.
    Refused(ContactField, String, Option<FormerName>),
}

/// What is kept of an outcome.
#[derive(Serialize, Deserialize)]
pub(crate) enum CreateRecord {
    Created(i32),
    AlreadyExists,
    Merged,
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
            CreateOutcome::Merged(_) => CreateRecord::Merged,
            CreateOutcome::Refused(field, reason, _) => {
                CreateRecord::Refused(*field, reason.clone())
            }
        };
        self.iter().map(record).collect()
    }

    async fn recall(record: Vec<CreateRecord>, domain: &Domain, call: &Call) -> Result<Self> {
        let number = |record: &CreateRecord| match record {
            CreateRecord::Created(number) => Some(*number),
            CreateRecord::AlreadyExists | CreateRecord::Merged | CreateRecord::Refused(..) => None,
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
            CreateRecord::Merged => CreateOutcome::Merged(None),
            CreateRecord::Refused(field, reason) => CreateOutcome::Refused(field, reason, None),
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
    let create = async |tx: &mut Transaction| {
        let outcomes = create_in(tx, &items).await?;
        let created = |it: &CreateOutcome| matches!(it, CreateOutcome::Created(_));
        if !is_kept && !outcomes.iter().any(created) {
            tx.refuse();
        }
        Ok(outcomes)
    };
    let (mut outcomes, revision) = domain.write_once(call, key, create).await?;
    let outcome = outcomes.iter_mut().zip(&items);
    let unnamed = outcome.filter_map(|(outcome, item)| match outcome {
        CreateOutcome::Merged(name @ None) => item.id.as_ref().map(|id| (id, name)),
        CreateOutcome::Refused(ContactField::CompanyId, _, name @ None) => {
            item.details.company_id.as_ref().map(|id| (id, name))
        }
        CreateOutcome::Created(_)
        | CreateOutcome::AlreadyExists
        | CreateOutcome::Merged(Some(_))
        | CreateOutcome::Refused(..) => None,
    });
    lookup::name_merged(domain, call, unnamed.collect()).await?;
    Ok((outcomes, revision))
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
        Err(Error::FormerName { name, current, .. }) => {
            Ok(CreateOutcome::Merged(Some(FormerName {
                former: name,
                current,
            })))
        }
        Err(error) => Err(error),
    }
}
