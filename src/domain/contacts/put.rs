//! Creating and replacing contacts: the rules that tie contacts together, for one or many.

use std::collections::HashMap;

use crate::{
    domain::{Error, Precondition, Resource, Result, Violation},
    model::{Change, Contact, ContactId, ContactKind, NewContact},
    store::{self, NumbersExhausted, Transaction},
};

/// What became of one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PutOutcome {
    /// It was created.
    Created,
    /// Its details were replaced.
    Updated,
    /// It was so already, or a later item of the same id counts.
    Unchanged,
    /// It breaks a rule; nothing of it was stored.
    Refused(Refusal),
}

/// A rule that ties contacts together, broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The company does not exist.
    #[error("must be an existing company; there is no contact {0}")]
    UnknownCompany(ContactId),
    /// The company is a person.
    #[error("must be a company; contact {0} is a person")]
    NotACompany(ContactId),
    /// A company cannot be of a company.
    #[error("is for persons only; leave it blank for a company")]
    CompanyOfCompany,
    /// A company with people cannot become a person.
    #[error("must stay COMPANY while the company has people; it has {0}")]
    HasPeople(i64),
    /// Of the same id twice the last counts, and that one is refused.
    #[error("stands in the batch once more, and of those the last counts; that one is refused")]
    Superseded,
}

impl Refusal {
    /// Which field of the contact at `path` is wrong, and how.
    pub(crate) fn violation(&self, path: &str) -> Violation {
        let field = match self {
            Self::HasPeople(_) => "kind",
            Self::Superseded => "id",
            _ => "company_id",
        };
        Violation {
            field: format!("{path}{field}"),
            reason: self.to_string(),
        }
    }

    /// The error for a call that is about this one contact.
    pub(super) fn into_error(self, id: &ContactId) -> Error {
        let violation = self.violation("contact.");
        match self {
            Self::UnknownCompany(company) => Error::NotFound {
                resource: Resource::Contact,
                name: company.to_string(),
                renamed_to: None,
                violation: Some(violation),
            },
            Self::HasPeople(count) => Error::Precondition(Precondition::CompanyHasPeople {
                id: id.clone(),
                count,
            }),
            _ => Error::Invalid(vec![violation]),
        }
    }
}

/// Creates or replaces contacts. Of the same id twice the last counts.
pub(super) async fn put(tx: &mut Transaction, items: &[NewContact]) -> Result<Vec<PutOutcome>> {
    let batch = Batch::read(tx, items).await?;
    let outcomes: Vec<PutOutcome> = items
        .iter()
        .enumerate()
        .map(|(at, item)| batch.outcome(at, item))
        .collect();
    let chosen = |outcome: PutOutcome| {
        let pairs = items.iter().zip(&outcomes);
        pairs
            .filter(move |(_, o)| **o == outcome)
            .map(|(item, _)| item)
            .collect::<Vec<_>>()
    };
    let created = chosen(PutOutcome::Created)
        .into_iter()
        .map(|item| Ok((tx.take_contact_number()?, item)))
        .collect::<Result<Vec<_>, NumbersExhausted>>()
        .map_err(|_| Error::Full(Resource::Contact))?;
    let replaced: Vec<_> = chosen(PutOutcome::Updated)
        .into_iter()
        .map(|item| (batch.known[&item.id].contact_number, item))
        .collect();
    if !created.is_empty() || !replaced.is_empty() {
        batch.recount_kinds(tx, &replaced).await?;
        store::contacts::write(tx, &created, &replaced).await?;
        log(tx, &created, Change::ContactsCreated);
        log(tx, &replaced, Change::ContactsUpdated);
    }
    Ok(outcomes)
}

/// Creates or replaces contacts, no two of the same id. Answers each as it is then, in order.
pub(super) async fn put_all(
    tx: &mut Transaction,
    items: &[NewContact],
) -> Result<Vec<Result<Contact>>> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let outcomes = put(tx, items).await?;
    let tenant_id = tx.tenant_id();
    let ids: Vec<&ContactId> = items.iter().map(|item| &item.id).collect();
    let now = store::contacts::find_all(tx, tenant_id, &ids).await?;
    let mut now: HashMap<_, _> = now.into_iter().map(|c| (c.id.clone(), c)).collect();
    let answer = |(item, outcome): (&NewContact, PutOutcome)| match outcome {
        PutOutcome::Refused(refusal) => Err(refusal.into_error(&item.id)),
        _ => now
            .remove(&item.id)
            .ok_or_else(|| Error::broken("contact not written")),
    };
    Ok(items.iter().zip(outcomes).map(answer).collect())
}

fn log(tx: &mut Transaction, written: &[(i32, &NewContact)], change: fn(Vec<i32>) -> Change) {
    if !written.is_empty() {
        tx.log(change(written.iter().map(|(number, _)| *number).collect()));
    }
}

/// A batch of contacts and what the database knows of them and of their companies.
struct Batch<'a> {
    known: HashMap<ContactId, Contact>,
    people: HashMap<ContactId, i64>,
    /// The last item of each id.
    last: HashMap<&'a ContactId, (usize, &'a NewContact)>,
}

impl<'a> Batch<'a> {
    async fn read(tx: &mut Transaction, items: &'a [NewContact]) -> Result<Batch<'a>> {
        let tenant_id = tx.tenant_id();
        let companies = items
            .iter()
            .filter_map(|item| item.details.company_id.as_ref());
        let mut ids: Vec<&ContactId> = items.iter().map(|item| &item.id).chain(companies).collect();
        ids.sort_unstable();
        ids.dedup();
        let known = store::contacts::find_all(tx, tenant_id, &ids).await?;
        let known: HashMap<_, _> = known.into_iter().map(|c| (c.id.clone(), c)).collect();
        let last: HashMap<_, _> = items
            .iter()
            .enumerate()
            .map(|(at, item)| (&item.id, (at, item)))
            .collect();
        let was_company = |id: &ContactId| {
            known
                .get(id)
                .is_some_and(|contact| contact.kind == ContactKind::Company)
        };
        let demoted: Vec<&ContactId> = items
            .iter()
            .filter(|item| item.details.kind == ContactKind::Person && was_company(&item.id))
            .map(|item| &item.id)
            .collect();
        let people = match demoted.is_empty() {
            true => Vec::new(),
            false => store::contacts::count_people(tx, tenant_id, &demoted).await?,
        };
        Ok(Batch {
            people: people.into_iter().collect(),
            known,
            last,
        })
    }

    fn outcome(&self, at: usize, item: &NewContact) -> PutOutcome {
        let (last_at, last) = self.last[&item.id];
        if last_at != at {
            return match self.refusal(last) {
                None => PutOutcome::Unchanged,
                Some(_) => PutOutcome::Refused(Refusal::Superseded),
            };
        }
        if let Some(refusal) = self.refusal(item) {
            return PutOutcome::Refused(refusal);
        }
        match self.known.get(&item.id) {
            None => PutOutcome::Created,
            Some(known) if known.details() == item.details => PutOutcome::Unchanged,
            Some(_) => PutOutcome::Updated,
        }
    }

    fn refusal(&self, item: &NewContact) -> Option<Refusal> {
        if let Some(count) = self.keeps_kind(item) {
            return Some(Refusal::HasPeople(count));
        }
        let company = item.details.company_id.as_ref()?;
        match (item.details.kind, self.kind_after(company)) {
            (ContactKind::Company, _) => Some(Refusal::CompanyOfCompany),
            (_, None) => Some(Refusal::UnknownCompany(company.clone())),
            (_, Some(ContactKind::Person)) => Some(Refusal::NotACompany(company.clone())),
            (_, Some(ContactKind::Company)) => None,
        }
    }

    /// How many people keep a company from becoming the person that an item says it is.
    fn keeps_kind(&self, item: &NewContact) -> Option<i64> {
        match item.details.kind {
            ContactKind::Person => self.people.get(&item.id).copied(),
            ContactKind::Company => None,
        }
    }

    /// What a contact will be once the batch is written.
    fn kind_after(&self, id: &ContactId) -> Option<ContactKind> {
        match self.last.get(id) {
            // A company is never refused but for having a company itself; then it is not written.
            Some((_, item)) if item.details.kind == ContactKind::Company => {
                match item.details.company_id {
                    None => Some(ContactKind::Company),
                    Some(_) => self.known.get(id).map(|contact| contact.kind),
                }
            }
            Some((_, item)) if self.keeps_kind(item).is_none() => Some(ContactKind::Person),
            _ => self.known.get(id).map(|contact| contact.kind),
        }
    }

    /// Moves contacts that change their kind from one counter of their groups to the other.
    async fn recount_kinds(
        &self,
        tx: &mut Transaction,
        replaced: &[(i32, &NewContact)],
    ) -> Result<()> {
        let changed = |item: &NewContact| {
            let known = &self.known[&item.id];
            known.kind != item.details.kind && known.mailing_group_count > 0
        };
        let (numbers, companies): (Vec<i32>, Vec<i32>) = replaced
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
}
