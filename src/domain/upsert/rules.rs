//! The rules between contacts and companies, item by item.

use std::collections::{HashMap, hash_map::Entry};

use super::{
    ItemOutcome, KnownContacts, UpsertOutcome,
    refusal::{ContactField, Refusal},
};
use crate::model::{
    Attributes, Contact, ContactChange, ContactDetails, ContactId, ContactKind, ContactRow,
    NewContact,
};

/// Contacts as they are after the items that were taken so far.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    contacts: HashMap<ContactId, Draft>,
    /// How many people companies have gained or, if it is negative, lost.
    people: HashMap<ContactId, i64>,
    /// How many items were taken.
    taken: usize,
}

#[derive(Debug)]
pub(super) struct Draft {
    pub(super) details: ContactDetails,
    /// The last item that changed it, or the first that found it like this.
    pub(super) item: usize,
    /// The contact before the first item of that chunk.
    before: Option<ContactDetails>,
}

impl Drafts {
    pub(super) fn len(&self) -> usize {
        self.contacts.len()
    }

    pub(super) fn get(&self, id: &ContactId) -> Option<&Draft> {
        self.contacts.get(id)
    }

    pub(super) fn take(&mut self, id: &ContactId) -> Option<NewContact> {
        let (id, Draft { details, .. }) = self.contacts.remove_entry(id)?;
        Some(NewContact { id, details })
    }
}

/// Takes items one after the other: each finds what the earlier ones have made. So the result does
/// not depend on which items come together, with one exception: a person may come before its
/// company if both are in one chunk.
pub(super) struct Rules<'a> {
    pub(super) known: &'a KnownContacts,
    /// How many people the companies have that items make persons.
    pub(super) people: &'a HashMap<ContactId, i64>,
    pub(super) drafts: &'a mut Drafts,
}

impl Rules<'_> {
    /// Takes the items of a chunk. Returns one outcome per item, in order.
    pub(super) fn take(&mut self, chunk: &[ContactRow]) -> Vec<UpsertOutcome> {
        let first = self.drafts.taken;
        let mut outcomes: Vec<UpsertOutcome> = Vec::with_capacity(chunk.len());
        for (row, next) in chunk.iter().zip(next_of_companies(chunk)) {
            let (mut outcome, replaced) = self.take_one(row, next);
            if let Some(replaced) = replaced
                && let Some(at) = replaced.item.checked_sub(first)
            {
                outcomes[at] = ItemOutcome::Superseded;
                outcome = self.drafts.compare(&row.id, replaced.before);
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    /// Takes an item. Returns its outcome, and the draft that it replaces. `next` is the next item of
    /// its company in the chunk.
    fn take_one(
        &mut self,
        row: &ContactRow,
        next: Option<&ContactRow>,
    ) -> (UpsertOutcome, Option<Draft>) {
        let item = self.drafts.taken;
        self.drafts.taken += 1;
        if let Some(refusal) = self.former_id(row) {
            return (ItemOutcome::Refused(refusal), None);
        }
        let before = self.details(&row.id);
        let details = match resolve(&row.change, before.clone()) {
            Ok(details) => details,
            Err(refusal) => return (ItemOutcome::Refused(refusal), None),
        };
        if let Some(refusal) = self.refusal(&row.id, before.as_ref(), &details, next) {
            return (ItemOutcome::Refused(refusal), None);
        }
        let outcome = outcome(before.as_ref(), &details);
        let former_company = before.as_ref().and_then(|it| it.company_id.clone());
        self.drafts.move_person(former_company, &details.company_id);
        let draft = Draft {
            details,
            item,
            before,
        };
        (outcome, self.drafts.set(&row.id, draft))
    }

    /// The details of a contact as they are now.
    fn details(&self, id: &ContactId) -> Option<ContactDetails> {
        match self.drafts.get(id) {
            Some(draft) => Some(draft.details.clone()),
            None => self.known.get(id).map(Contact::details),
        }
    }

    /// Why an item cannot create its contact under the id of a merged one.
    fn former_id(&self, row: &ContactRow) -> Option<Refusal> {
        if row.reuse_former || self.details(&row.id).is_some() {
            return None;
        }
        let current = self.known.merged_into(&row.id)?.clone();
        let former = row.id.clone();
        Some(Refusal::FormerId { former, current })
    }

    fn kind(&self, id: &ContactId) -> Option<ContactKind> {
        let draft = self.drafts.get(id).map(|draft| draft.details.kind);
        draft.or_else(|| self.known.get(id).map(|contact| contact.kind))
    }

    fn refusal(
        &self,
        id: &ContactId,
        before: Option<&ContactDetails>,
        details: &ContactDetails,
        next: Option<&ContactRow>,
    ) -> Option<Refusal> {
        let was_company = before.is_some_and(|it| it.kind == ContactKind::Company);
        let people = self.people(id);
        if was_company && details.kind == ContactKind::Person && people > 0 {
            return Some(Refusal::HasPeople(people));
        }
        if details.attributes.len() > Attributes::MAX {
            return Some(Refusal::TooManyAttributes(details.attributes.len()));
        }
        let company = details.company_id.as_ref()?;
        match (details.kind, self.kind(company)) {
            (ContactKind::Company, _) => Some(Refusal::CompanyOfCompany),
            _ if before.is_some_and(|it| it.company_id == details.company_id) => None,
            _ if company == id => Some(Refusal::NotACompany(company.clone())),
            (_, Some(ContactKind::Company)) => None,
            _ if next.is_some_and(|row| self.makes_company(row)) => None,
            (_, None) => Some(Refusal::UnknownCompany {
                id: company.clone(),
                merged_into: self.known.merged_into(company).cloned(),
            }),
            (_, Some(ContactKind::Person)) => Some(Refusal::NotACompany(company.clone())),
        }
    }

    fn people(&self, id: &ContactId) -> i64 {
        let of = |counts: &HashMap<ContactId, i64>| counts.get(id).copied().unwrap_or(0);
        of(self.people) + of(&self.drafts.people)
    }

    /// Whether the next item of a contact makes it a company for certain: such an item breaks no
    /// rule.
    fn makes_company(&self, row: &ContactRow) -> bool {
        self.former_id(row).is_none()
            && resolve(&row.change, self.details(&row.id))
                .is_ok_and(|it| it.kind == ContactKind::Company && it.company_id.is_none())
    }
}

impl Drafts {
    /// Sets a contact. Returns the draft that this replaces.
    fn set(&mut self, id: &ContactId, draft: Draft) -> Option<Draft> {
        match self.contacts.entry(id.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(draft);
                None
            }
            Entry::Occupied(mut entry) if entry.get().details != draft.details => {
                Some(entry.insert(draft))
            }
            Entry::Occupied(_) => None,
        }
    }

    /// What the items of a chunk have made of a contact that was so before them.
    fn compare(&mut self, id: &ContactId, before: Option<ContactDetails>) -> UpsertOutcome {
        let Some(draft) = self.contacts.get_mut(id) else {
            return ItemOutcome::Unchanged;
        };
        draft.before = before;
        outcome(draft.before.as_ref(), &draft.details)
    }

    fn move_person(&mut self, from: Option<ContactId>, to: &Option<ContactId>) {
        if from == *to {
            return;
        }
        if let Some(company) = from {
            *self.people.entry(company).or_default() -= 1;
        }
        if let Some(company) = to.clone() {
            *self.people.entry(company).or_default() += 1;
        }
    }
}

fn outcome(before: Option<&ContactDetails>, details: &ContactDetails) -> UpsertOutcome {
    match before {
        None => ItemOutcome::Created,
        Some(before) if before == details => ItemOutcome::Unchanged,
        Some(_) => ItemOutcome::Updated,
    }
}

/// The details after a change, or those of a new contact.
fn resolve(
    change: &ContactChange,
    before: Option<ContactDetails>,
) -> Result<ContactDetails, Refusal> {
    let change = change.clone();
    if let Some(before) = before {
        return Ok(change.apply(before));
    }
    let missing = |field| move || Refusal::Missing(field);
    Ok(ContactDetails {
        kind: change.kind.ok_or_else(missing(ContactField::Kind))?,
        name: change.name.ok_or_else(missing(ContactField::Name))?,
        company_id: change.company_id.flatten(),
        email: change.email.unwrap_or_default(),
        exclude_from_segments: change.exclude_from_segments.unwrap_or_default(),
        privacy_blocked: change.privacy_blocked.unwrap_or_default(),
        attributes: change
            .attributes
            .map(|change| change.apply(Attributes::default()))
            .unwrap_or_default(),
    })
}

/// For each item, the next item of its company in the chunk.
fn next_of_companies(chunk: &[ContactRow]) -> Vec<Option<&ContactRow>> {
    let mut later: HashMap<&ContactId, &ContactRow> = HashMap::new();
    let next = chunk.iter().rev().map(|row| {
        let company = row.change.new_company();
        let next = company.and_then(|company| later.get(company).copied());
        later.insert(&row.id, row);
        next
    });
    let mut next: Vec<_> = next.collect();
    next.reverse();
    next
}
