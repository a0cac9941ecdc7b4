//! Creating and replacing contacts, with the rules between contacts and companies.

mod rules;

use std::collections::HashMap;

use self::rules::Rules;
pub(crate) use self::rules::{ContactField, Refusal};
use crate::{
    domain::{Error, Resource, Result},
    model::{Change, Contact, ContactId, ContactKind, NewContact},
    store::{self, NumbersExhausted, Transaction},
};

/// The outcome of one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpsertOutcome {
    /// It was created.
    Created,
    /// Its details were replaced.
    Updated,
    /// It had these details already, or a later item of the same id counts.
    Unchanged,
    /// It breaks a rule; nothing was stored.
    Refused(Refusal),
}

/// Contacts that were looked up, existing or not. Each is read once.
#[derive(Default)]
pub(super) struct KnownContacts(HashMap<ContactId, Option<Contact>>);

impl KnownContacts {
    /// Reads the contacts that were not looked up before.
    pub(super) async fn read(
        &mut self,
        tx: &mut Transaction,
        ids: impl Iterator<Item = &ContactId>,
    ) -> Result<()> {
        let mut missing: Vec<&ContactId> = ids.filter(|id| !self.0.contains_key(*id)).collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let tenant_id = tx.tenant_id();
        let found = store::contacts::find_all(tx, tenant_id, &missing).await?;
        self.0
            .extend(missing.into_iter().map(|id| (id.clone(), None)));
        self.0
            .extend(found.into_iter().map(|it| (it.id.clone(), Some(it))));
        Ok(())
    }

    /// The contact with this id, if it exists.
    pub(super) fn get(&self, id: &ContactId) -> Option<&Contact> {
        self.0.get(id)?.as_ref()
    }

    fn kind(&self, id: &ContactId) -> Option<ContactKind> {
        self.get(id).map(|contact| contact.kind)
    }
}

/// Creates or replaces contacts. Of items with the same id the last counts. Returns one outcome per
/// item, in order.
pub(super) async fn upsert(
    tx: &mut Transaction,
    items: &[NewContact],
) -> Result<Vec<UpsertOutcome>> {
    let mut known = KnownContacts::default();
    known.read(tx, items.iter().map(|item| &item.id)).await?;
    let items: Vec<&NewContact> = items.iter().collect();
    Ok(write(tx, &mut known, &items).await?.outcomes)
}

/// Creates or replaces the contacts that are not refused already; no two have the same id. Returns
/// each as it is afterwards, in order.
pub(super) async fn upsert_each(
    tx: &mut Transaction,
    mut known: KnownContacts,
    items: Vec<Result<NewContact>>,
) -> Result<Vec<Result<Contact>>> {
    let valid: Vec<&NewContact> = items.iter().flatten().collect();
    let written = write(tx, &mut known, &valid).await?;
    let refused = |it: &UpsertOutcome| matches!(it, UpsertOutcome::Refused(_));
    if written.outcomes.iter().all(refused) {
        tx.refuse();
    }
    let (revision, time) = (tx.revision(), tx.time());
    let mut outcomes = written.outcomes.into_iter();
    let mut result = |item: NewContact| {
        let unchanged = known.get(&item.id);
        match outcomes.next() {
            Some(UpsertOutcome::Refused(refusal)) => Err(refusal.into_error(&item.id)),
            Some(UpsertOutcome::Unchanged) => unchanged
                .cloned()
                .ok_or_else(|| Error::broken("an unchanged contact does not exist")),
            Some(UpsertOutcome::Updated) => unchanged
                .map(|contact| contact.with_details(item.details, revision, time))
                .ok_or_else(|| Error::broken("an updated contact does not exist")),
            Some(UpsertOutcome::Created) => {
                let number = written.numbers.get(&item.id).copied();
                number
                    .map(|number| Contact::new(number, item, revision, time))
                    .ok_or_else(|| Error::broken("a created contact has no number"))
            }
            None => Err(Error::broken("no outcome")),
        }
    };
    Ok(items
        .into_iter()
        .map(|item| item.and_then(&mut result))
        .collect())
}

/// The outcomes of the items, and the numbers of created contacts.
struct Written {
    outcomes: Vec<UpsertOutcome>,
    numbers: HashMap<ContactId, i32>,
}

async fn write(
    tx: &mut Transaction,
    known: &mut KnownContacts,
    items: &[&NewContact],
) -> Result<Written> {
    let companies = items
        .iter()
        .filter_map(|item| item.details.company_id.as_ref());
    known.read(tx, companies).await?;
    let rules = Rules::new(tx, known, items).await?;
    let outcomes: Vec<UpsertOutcome> = items
        .iter()
        .enumerate()
        .map(|(at, item)| rules.outcome(at, item))
        .collect();
    let with = |outcome: UpsertOutcome| {
        let pairs = items.iter().zip(&outcomes);
        pairs
            .filter(move |(_, o)| **o == outcome)
            .map(|(item, _)| *item)
            .collect::<Vec<_>>()
    };
    let created = with(UpsertOutcome::Created)
        .into_iter()
        .map(|item| Ok((tx.take_contact_number()?, item)))
        .collect::<Result<Vec<_>, NumbersExhausted>>()
        .map_err(|_| Error::Full(Resource::Contact))?;
    let updated = with(UpsertOutcome::Updated).into_iter();
    let updated: Vec<_> = updated
        .filter_map(|item| Some((known.get(&item.id)?.contact_number, item)))
        .collect();
    if !created.is_empty() || !updated.is_empty() {
        recount_kinds(tx, known, &updated).await?;
        store::contacts::write(tx, &created, &updated).await?;
        log(tx, &created, Change::ContactsCreated);
        log(tx, &updated, Change::ContactsUpdated);
    }
    let numbers = created.iter();
    let numbers = numbers.map(|(number, item)| (item.id.clone(), *number));
    Ok(Written {
        numbers: numbers.collect(),
        outcomes,
    })
}

fn log(tx: &mut Transaction, written: &[(i32, &NewContact)], change: fn(Vec<i32>) -> Change) {
    if !written.is_empty() {
        tx.log(change(written.iter().map(|(number, _)| *number).collect()));
    }
}

/// Moves contacts that change their kind from one counter of their groups to the other.
async fn recount_kinds(
    tx: &mut Transaction,
    known: &KnownContacts,
    updated: &[(i32, &NewContact)],
) -> Result<()> {
    let changed = |item: &NewContact| {
        known
            .get(&item.id)
            .is_some_and(|it| it.kind != item.details.kind && it.mailing_group_count > 0)
    };
    let (numbers, companies): (Vec<i32>, Vec<i32>) = updated
        .iter()
        .filter(|(_, item)| changed(item))
        .map(|(number, item)| match item.details.kind {
            ContactKind::Company => (*number, 1),
            ContactKind::Person => (*number, -1),
        })
        .unzip();
    if !numbers.is_empty() {
        store::mailing_groups::recount_kinds(tx, numbers, companies).await?;
    }
    Ok(())
}
