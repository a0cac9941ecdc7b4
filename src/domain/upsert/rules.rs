//! The rules between contacts and companies.

use std::collections::HashMap;

use super::{KnownContacts, UpsertOutcome};
use crate::{
    domain::{BrokenRule, Error, Precondition, Result},
    model::{ContactId, ContactKind, NewContact},
    store::{self, Transaction},
};

/// A broken rule between contacts and companies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The company does not exist.
    #[error("must be an existing company; there is no contact {0}")]
    UnknownCompany(ContactId),
    /// The company is a person.
    #[error("must be a company; contact {0} is a person")]
    NotACompany(ContactId),
    /// A company has a company.
    #[error("is for persons only; leave it blank for a company")]
    CompanyOfCompany,
    /// A company with people becomes a person.
    #[error("must stay COMPANY while the company has people; it has {0}")]
    HasPeople(i64),
    /// Of two items with one id the last counts, and that one is refused.
    #[error("occurs again later in the batch; the last item counts, and it is refused")]
    Superseded,
}

impl Refusal {
    /// The field that breaks the rule.
    pub(crate) fn field(&self) -> ContactField {
        match self {
            Self::HasPeople(_) => ContactField::Kind,
            Self::Superseded => ContactField::Id,
            Self::UnknownCompany(_) | Self::NotACompany(_) | Self::CompanyOfCompany => {
                ContactField::CompanyId
            }
        }
    }

    /// The error for a call that is about this one contact.
    pub(super) fn into_error(self, id: &ContactId) -> Error {
        match self {
            Self::HasPeople(count) => Error::Precondition(Precondition::CompanyHasPeople {
                id: id.clone(),
                count,
            }),
            refusal => BrokenRule::Contact(refusal).into(),
        }
    }
}

/// A field of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContactField {
    Id,
    Kind,
    CompanyId,
}

/// Decides what happens to each item of a batch.
pub(super) struct Rules<'a> {
    known: &'a KnownContacts,
    /// The number of people of companies that are to become persons.
    people: HashMap<ContactId, i64>,
    /// The last item of each id.
    last: HashMap<&'a ContactId, (usize, &'a NewContact)>,
}

impl<'a> Rules<'a> {
    pub(super) async fn new(
        tx: &mut Transaction,
        known: &'a KnownContacts,
        items: &[&'a NewContact],
    ) -> Result<Rules<'a>> {
        let is_demoted = |item: &&&NewContact| {
            item.details.kind == ContactKind::Person
                && known.kind(&item.id) == Some(ContactKind::Company)
        };
        let demoted = items.iter().filter(is_demoted);
        let demoted: Vec<&ContactId> = demoted.map(|item| &item.id).collect();
        let tenant_id = tx.tenant_id();
        let people = match demoted.is_empty() {
            true => Vec::new(),
            false => store::contacts::count_people(tx, tenant_id, &demoted).await?,
        };
        let last = items.iter().enumerate();
        Ok(Rules {
            known,
            people: people.into_iter().collect(),
            last: last.map(|(at, item)| (&item.id, (at, *item))).collect(),
        })
    }

    pub(super) fn outcome(&self, at: usize, item: &NewContact) -> UpsertOutcome {
        let (last_at, last) = self.last[&item.id];
        if last_at != at {
            return match self.refusal(last) {
                None => UpsertOutcome::Unchanged,
                Some(_) => UpsertOutcome::Refused(Refusal::Superseded),
            };
        }
        if let Some(refusal) = self.refusal(item) {
            return UpsertOutcome::Refused(refusal);
        }
        match self.known.get(&item.id) {
            None => UpsertOutcome::Created,
            Some(known) if known.details() == item.details => UpsertOutcome::Unchanged,
            Some(_) => UpsertOutcome::Updated,
        }
    }

    fn refusal(&self, item: &NewContact) -> Option<Refusal> {
        if let Some(count) = self.people_of_demoted(item) {
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

    /// The number of people that keep a company from becoming a person.
    fn people_of_demoted(&self, item: &NewContact) -> Option<i64> {
        match item.details.kind {
            ContactKind::Person => self.people.get(&item.id).copied(),
            ContactKind::Company => None,
        }
    }

    /// The kind of a contact after the batch.
    fn kind_after(&self, id: &ContactId) -> Option<ContactKind> {
        match self.last.get(id) {
            // The only refusal of a company is that it has a company; then it is not written.
            Some((_, item)) if item.details.kind == ContactKind::Company => {
                match item.details.company_id {
                    None => Some(ContactKind::Company),
                    Some(_) => self.known.kind(id),
                }
            }
            Some((_, item)) if self.people_of_demoted(item).is_none() => Some(ContactKind::Person),
            Some(_) | None => self.known.kind(id),
        }
    }
}
