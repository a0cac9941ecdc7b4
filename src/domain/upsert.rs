//! Creating and changing contacts, with the rules between contacts and companies.

mod known;
mod refusal;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub(super) use self::known::KnownContacts;
use self::rules::{Draft, Rules};
pub(crate) use self::{
    refusal::{ContactField, Refusal},
    rules::Drafts,
};
use crate::{
    domain::{BrokenRule, Error, Resource, Result},
    model::{Change, Contact, ContactId, ContactKind, ContactRow, NewContact, TenantId},
    store::{self, Connection, Transaction},
};

/// The outcome of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ItemOutcome<R> {
    /// It created something.
    Created,
    /// It changed something.
    Updated,
    /// It found everything as it says.
    Unchanged,
    /// A later item of the same id and chunk says something else.
    Superseded,
    /// It breaks a rule; nothing was stored.
    Refused(R),
}

/// Whether a new contact may take the id of a merged one.
pub(super) type ReuseFormer = bool;

/// The outcome of one contact.
pub(crate) type UpsertOutcome = ItemOutcome<Refusal>;

/// How many new or changed contacts a validation remembers, about 250 bytes each.
const MAX_DRAFTS: usize = 1_000_000;

/// Creates and changes contacts, chunk by chunk. Of items with the same id the later counts. Returns
/// one outcome per item, in order.
pub(super) async fn upsert(
    tx: &mut Transaction,
    chunks: &[Vec<ContactRow>],
) -> Result<Vec<UpsertOutcome>> {
    Ok(write(tx, &mut KnownContacts::default(), chunks)
        .await?
        .outcomes)
}

/// The outcomes that [`upsert`] would have, after it had taken what made the `drafts`.
pub(super) async fn validate(
    conn: &mut Connection,
    tenant_id: TenantId,
    drafts: &mut Drafts,
    chunks: &[Vec<ContactRow>],
) -> Result<Vec<UpsertOutcome>> {
    let mut known = KnownContacts::default();
    let outcomes = evaluate(conn, tenant_id, &mut known, drafts, chunks).await?;
    for row in chunks.iter().flatten() {
        let draft = drafts.get(&row.id).map(|draft| &draft.details);
        if draft == known.get(&row.id).map(Contact::details).as_ref() {
            drafts.take(&row.id);
        }
    }
    match drafts.len() <= MAX_DRAFTS {
        true => Ok(outcomes),
        false => Err(BrokenRule::TooMuchToValidate(MAX_DRAFTS).into()),
    }
}

/// Creates or replaces the contacts that are not refused already; no two have the same id. Returns
/// each as it is afterwards, in order.
pub(super) async fn upsert_each(
    tx: &mut Transaction,
    mut known: KnownContacts,
    items: Vec<Result<(NewContact, ReuseFormer)>>,
) -> Result<Vec<Result<Contact>>> {
    let valid = items.iter().flatten();
    let valid: Vec<ContactRow> = valid
        .map(|(new, reuse)| ContactRow::new(new, *reuse))
        .collect();
    let written = write(tx, &mut known, &[valid]).await?;
    let (revision, time) = (tx.revision(), tx.time());
    let mut outcomes = written.outcomes.into_iter();
    let mut result = |(item, _): (NewContact, ReuseFormer)| {
        let unchanged = known.get(&item.id);
        match outcomes.next() {
            Some(ItemOutcome::Refused(refusal)) => Err(refusal.into_error(&item.id)),
            Some(ItemOutcome::Unchanged) => unchanged
                .cloned()
                .ok_or_else(|| Error::broken("an unchanged contact does not exist")),
            Some(ItemOutcome::Updated) => unchanged
                .map(|contact| contact.with_details(item.details, revision, time))
                .ok_or_else(|| Error::broken("an updated contact does not exist")),
            Some(ItemOutcome::Superseded) => Err(Error::broken("two items of one id")),
            Some(ItemOutcome::Created) => {
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
    chunks: &[Vec<ContactRow>],
) -> Result<Written> {
    let (tenant_id, mut drafts) = (tx.tenant_id(), Drafts::default());
    let outcomes = evaluate(tx, tenant_id, known, &mut drafts, chunks).await?;
    let (mut created, mut updated) = (Vec::new(), Vec::new());
    let rows = chunks.iter().flatten().enumerate();
    for ((at, row), outcome) in rows.zip(&outcomes) {
        let contact = known.get(&row.id);
        let is_last = |draft: &Draft| match contact {
            None => *outcome == ItemOutcome::Created,
            Some(contact) => draft.item == at && draft.details != contact.details(),
        };
        if !drafts.get(&row.id).is_some_and(is_last) {
            continue;
        }
        match (contact, drafts.take(&row.id)) {
            (Some(contact), Some(new)) => updated.push((contact, new)),
            (None, Some(new)) => {
                let number = tx.take_contact_number();
                let number = number.map_err(Error::no_number(Resource::Contact))?;
                created.push((number, new));
            }
            (_, None) => {}
        }
    }
    if !created.is_empty() || !updated.is_empty() {
        free_ids(tx, known, &created).await?;
        recount_kinds(tx, &updated).await?;
        store::contacts::write(tx, &created, &updated).await?;
        let numbers = created.iter().map(|(number, _)| *number);
        log(tx, numbers.collect(), Change::ContactsCreated);
        let numbers = updated.iter().map(|(contact, _)| contact.contact_number);
        log(tx, numbers.collect(), Change::ContactsUpdated);
    }
    let numbers = created.into_iter().map(|(number, new)| (new.id, number));
    Ok(Written {
        numbers: numbers.collect(),
        outcomes,
    })
}

/// Reads the contacts that the items name, and applies the rules to the items.
async fn evaluate(
    conn: &mut Connection,
    tenant_id: TenantId,
    known: &mut KnownContacts,
    drafts: &mut Drafts,
    chunks: &[Vec<ContactRow>],
) -> Result<Vec<UpsertOutcome>> {
    let rows = || chunks.iter().flatten();
    let companies = rows().filter_map(|row| row.change.new_company());
    let ids = rows().map(|row| &row.id).chain(companies);
    known.read(conn, tenant_id, ids.clone()).await?;
    known.read_merged(conn, tenant_id, ids).await?;
    let becomes_person = |row: &&ContactRow| {
        row.change.kind == Some(ContactKind::Person)
            && known
                .get(&row.id)
                .is_some_and(|it| it.kind == ContactKind::Company)
    };
    let companies: Vec<&ContactId> = rows().filter(becomes_person).map(|row| &row.id).collect();
    let people = match companies.is_empty() {
        true => HashMap::new(),
        false => {
            let people = store::contacts::count_people(conn, tenant_id, &companies).await?;
            people.into_iter().collect()
        }
    };
    let mut rules = Rules {
        known,
        people: &people,
        drafts,
    };
    Ok(chunks.iter().flat_map(|chunk| rules.take(chunk)).collect())
}

/// Makes the ids of new contacts former ids of no other.
async fn free_ids(
    tx: &mut Transaction,
    known: &KnownContacts,
    created: &[(i32, NewContact)],
) -> Result<()> {
    let ids = created.iter().map(|(_, new)| &new.id);
    let former: Vec<_> = ids.filter(|id| known.merged_into(id).is_some()).collect();
    if !former.is_empty() {
        store::contacts::free_ids(tx, &former).await?;
    }
    Ok(())
}

fn log(tx: &mut Transaction, written: Vec<i32>, change: fn(Vec<i32>) -> Change) {
    if !written.is_empty() {
        tx.log(change(written));
    }
}

/// Moves contacts that change their kind from one counter of their groups to the other.
async fn recount_kinds(tx: &mut Transaction, updated: &[(&Contact, NewContact)]) -> Result<()> {
    let changed = |(former, new): &&(&Contact, NewContact)| {
        former.kind != new.details.kind && former.mailing_group_count > 0
    };
    let (numbers, companies): (Vec<i32>, Vec<i32>) = updated
        .iter()
        .filter(changed)
        .map(|(former, new)| match new.details.kind {
            ContactKind::Company => (former.contact_number, 1),
            ContactKind::Person => (former.contact_number, -1),
        })
        .unzip();
    if !numbers.is_empty() {
        store::mailing_groups::recount_kinds(tx, numbers, companies).await?;
    }
    Ok(())
}
