//! Contacts in memory.

use mailing_groups::pb::{ContactKind, CreateContactOutcome};

use super::{
    calls::NewContact,
    state::{Contact, Facts, Reasons, State, both, unless},
};

impl State {
    /// The number of the company that a contact gets.
    fn company_of(&self, kind: ContactKind, id: &str) -> Result<Option<u32>, Reasons> {
        if id.is_empty() {
            return Ok(None);
        }
        let number = self.contact(id);
        match (kind, number) {
            (ContactKind::Company, Err(reasons)) => {
                Err([&reasons[..], &["INVALID_FIELD"]].concat())
            }
            (ContactKind::Company, Ok(_)) => Err(vec!["INVALID_FIELD"]),
            (_, Err(reasons)) => Err(reasons),
            (_, Ok(it)) if self.contacts[&it].kind != ContactKind::Company => {
                Err(vec!["INVALID_FIELD"])
            }
            (_, Ok(it)) => Ok(Some(it)),
        }
    }

    pub(super) fn create_contact(
        &mut self,
        new: &NewContact,
        reuse: bool,
    ) -> Result<Facts, Reasons> {
        let mut reasons = Vec::new();
        if self.contact(&new.id).is_ok() {
            reasons.push("CONTACT_ALREADY_EXISTS");
        }
        if !reuse && self.former_id(&new.id) {
            reasons.push("CONTACT_MERGED");
        }
        let company = self.company_of(new.kind(), &new.company_id);
        let (company, ()) = both(company, unless(reasons))?;
        self.former_ids.remove(&new.id);
        let number = self.number();
        self.contacts.insert(number, new.stored(company));
        Ok(vec![])
    }

    /// Creates companies before persons, as they may come in any order.
    pub(super) fn create_contacts(&mut self, all: &[NewContact]) -> Facts {
        let mut outcomes = vec![0; all.len()];
        for kind in [ContactKind::Company, ContactKind::Person] {
            for (at, new) in all.iter().enumerate().filter(|(_, it)| it.kind() == kind) {
                let is_first = all[..at].iter().all(|it| it.id != new.id);
                let created = match is_first {
                    true => self.create_contact(new, false),
                    false => Err(vec!["CONTACT_ALREADY_EXISTS"]),
                };
                outcomes[at] = match created {
                    Ok(_) => CreateContactOutcome::Created,
                    Err(it) if it.contains(&"CONTACT_ALREADY_EXISTS") => {
                        CreateContactOutcome::AlreadyExists
                    }
                    Err(_) if self.former_id(&new.id) => CreateContactOutcome::ContactMerged,
                    Err(_) => CreateContactOutcome::Invalid,
                } as i64;
            }
        }
        outcomes
    }

    /// Changes name, company and flags of a contact, or creates it.
    pub(super) fn update_contact(
        &mut self,
        new: &NewContact,
        allow_missing: bool,
    ) -> Result<Facts, Reasons> {
        let found = self.contact(&new.id);
        if found.is_err() && allow_missing {
            return self.create_contact(new, false);
        }
        let company = self.company_of(new.kind(), &new.company_id);
        let (number, company) = both(found, company)?;
        let attributes = new.attributes_after(self.contacts[&number].attributes.clone());
        let stored = Contact {
            attributes,
            ..new.stored(company)
        };
        self.contacts.insert(number, stored);
        Ok(vec![])
    }

    pub(super) fn delete_contact(&mut self, id: &str, force: bool) -> Result<Facts, Reasons> {
        let number = self.contact(id)?;
        let people = self.people(number);
        let mut reasons = Vec::new();
        if !force && !people.is_empty() {
            reasons.push("COMPANY_HAS_PERSONS");
        }
        let segments = || self.segments.values();
        if !force && segments().any(|it| self.resolved(&it.stored).contains(&number)) {
            reasons.push("CONTACT_ON_SEGMENTS");
        }
        unless(reasons)?;
        for person in &people {
            self.contacts.get_mut(person).unwrap().company = None;
        }
        let groups = self.groups_of(number).len();
        self.members.retain(|it| it.1 != number);
        self.contacts.remove(&number);
        Ok(vec![groups as i64, people.len() as i64])
    }

    pub(super) fn merge(&mut self, kept: &str, merged: &str) -> Result<Facts, Reasons> {
        if kept == merged {
            return Err(vec!["INVALID_FIELD"]);
        }
        let (kept, gone) = both(self.contact(kept), self.contact(merged))?;
        let from = self.contacts[&gone].clone();
        if self.contacts[&kept].kind != from.kind {
            return Err(vec!["CONTACT_KINDS_DIFFER"]);
        }
        let people = self.people(gone);
        for person in &people {
            self.contacts.get_mut(person).unwrap().company = Some(kept);
        }
        let groups = self.groups_of(gone);
        let moved = groups.difference(&self.groups_of(kept)).count();
        self.members.retain(|it| it.1 != gone);
        self.members.extend(groups.iter().map(|it| (*it, kept)));
        let into = self.contacts.get_mut(&kept).unwrap();
        into.company = into.company.or(from.company);
        into.excluded |= from.excluded;
        into.blocked |= from.blocked;
        for (key, value) in from.attributes {
            into.attributes.entry(key).or_insert(value);
        }
        self.contacts.remove(&gone);
        self.merged.insert(gone, kept);
        self.former_ids.insert(from.id, gone);
        Ok(vec![moved as i64, people.len() as i64])
    }
}
