//! The content of a tenant in memory, and what the calls do to it.
//!
//! Contacts and groups have numbers that are never reused, so that stored sets can name merged ones.

use std::collections::{BTreeMap, BTreeSet};

use mailing_groups::pb::{AssignmentOutcome, ContactKind};

use super::segments::{Action, Segment};

/// The reasons that a call may be refused with, one of which the service names.
pub(super) type Reasons = Vec<&'static str>;

/// The facts in an answer besides its revision.
pub(super) type Facts = Vec<i64>;

pub(super) type Set = BTreeSet<u32>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) code: String,
    pub(super) description: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contact {
    pub(super) id: String,
    pub(super) kind: ContactKind,
    pub(super) name: String,
    pub(super) company: Option<u32>,
    pub(super) excluded: bool,
    pub(super) blocked: bool,
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) groups: BTreeMap<u32, Group>,
    former_codes: BTreeMap<String, u32>,
    pub(super) contacts: BTreeMap<u32, Contact>,
    pub(super) former_ids: BTreeMap<String, u32>,
    pub(super) merged: BTreeMap<u32, u32>,
    /// Group, contact.
    pub(super) members: BTreeSet<(u32, u32)>,
    pub(super) segments: BTreeMap<String, Segment>,
    pub(super) criteria: BTreeMap<String, Vec<Action>>,
    last_number: u32,
}

/// Nothing, or the reasons that are given.
pub(super) fn unless(reasons: Reasons) -> Result<(), Reasons> {
    match reasons.is_empty() {
        true => Ok(()),
        false => Err(reasons),
    }
}

/// The values of both, or the reasons of both.
pub(super) fn both<A, B>(a: Result<A, Reasons>, b: Result<B, Reasons>) -> Result<(A, B), Reasons> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err([a.err(), b.err()].into_iter().flatten().flatten().collect()),
    }
}

/// All numbers, or the reasons of all.
pub(super) fn all(each: impl Iterator<Item = Result<u32, Reasons>>) -> Result<Set, Reasons> {
    let (found, refused): (Vec<_>, Vec<_>) = each.partition(Result::is_ok);
    let reasons = refused.into_iter().filter_map(Result::err);
    unless(reasons.flatten().collect())?;
    Ok(found.into_iter().flatten().collect())
}

impl State {
    pub(super) fn number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    /// The contact that a number in a stored set stands for.
    pub(super) fn resolve(&self, number: u32) -> Option<u32> {
        let mut now = number;
        while let Some(kept) = self.merged.get(&now) {
            now = *kept;
        }
        self.contacts.contains_key(&now).then_some(now)
    }

    pub(super) fn group(&self, code: &str) -> Result<u32, Reasons> {
        let found = self.groups.iter().find(|(_, it)| it.code == code);
        found.map(|it| *it.0).ok_or_else(|| {
            vec![match self.former_codes.contains_key(code) {
                true => "MAILING_GROUP_RENAMED",
                false => "MAILING_GROUP_NOT_FOUND",
            }]
        })
    }

    pub(super) fn former_id(&self, id: &str) -> bool {
        let former = self.former_ids.get(id);
        former.is_some_and(|it| self.resolve(*it).is_some())
    }

    pub(super) fn contact(&self, id: &str) -> Result<u32, Reasons> {
        let found = self.contacts.iter().find(|(_, it)| it.id == id);
        found.map(|it| *it.0).ok_or_else(|| {
            vec![match self.former_id(id) {
                true => "CONTACT_MERGED",
                false => "CONTACT_NOT_FOUND",
            }]
        })
    }

    pub(super) fn people(&self, company: u32) -> Set {
        let people = self.contacts.iter();
        let people = people.filter(|(_, it)| it.company == Some(company));
        people.map(|it| *it.0).collect()
    }

    pub(super) fn groups_of(&self, contact: u32) -> Set {
        let members = self.members.iter().filter(|it| it.1 == contact);
        members.map(|it| it.0).collect()
    }

    pub(super) fn members_of(&self, group: u32) -> Set {
        let members = self.members.iter().filter(|it| it.0 == group);
        members.map(|it| it.1).collect()
    }

    /// Refuses the code of another group, and a former one of another unless it may be reused.
    fn check_new_code(&self, code: &str, own: Option<u32>, reuse: bool) -> Result<(), Reasons> {
        let former = self.former_codes.get(code);
        let mut reasons = Vec::new();
        if !reuse && former.is_some_and(|it| Some(*it) != own) {
            reasons.push("MAILING_GROUP_RENAMED");
        }
        if self.group(code).is_ok() {
            reasons.push("MAILING_GROUP_ALREADY_EXISTS");
        }
        unless(reasons)
    }

    pub(super) fn create_group(&mut self, code: &str, reuse: bool) -> Result<Facts, Reasons> {
        self.check_new_code(code, None, reuse)?;
        self.former_codes.remove(code);
        let number = self.number();
        let (code, description) = (code.to_owned(), String::new());
        self.groups.insert(number, Group { code, description });
        Ok(vec![])
    }

    pub(super) fn update_group(&mut self, code: &str, text: &str) -> Result<Facts, Reasons> {
        let group = self.group(code)?;
        self.groups.get_mut(&group).unwrap().description = text.to_owned();
        Ok(vec![])
    }

    pub(super) fn rename(&mut self, code: &str, new: &str, reuse: bool) -> Result<Facts, Reasons> {
        let group = self.group(code)?;
        if code != new {
            self.check_new_code(new, Some(group), reuse)?;
            self.former_codes.remove(new);
            self.former_codes.insert(code.to_owned(), group);
            self.groups.get_mut(&group).unwrap().code = new.to_owned();
        }
        Ok(vec![])
    }

    pub(super) fn delete_group(&mut self, code: &str, force: bool) -> Result<Facts, Reasons> {
        let group = self.group(code)?;
        let members = self.members_of(group).len();
        if members > 0 && !force {
            return Err(vec!["MAILING_GROUP_HAS_MEMBERS"]);
        }
        self.members.retain(|it| it.0 != group);
        self.former_codes.retain(|_, it| *it != group);
        self.groups.remove(&group);
        Ok(vec![members as i64])
    }

    pub(super) fn assign(&mut self, id: &str, code: &str, on: bool) -> Result<Facts, Reasons> {
        let (contact, group) = both(self.contact(id), self.group(code))?;
        let had = match on {
            true => !self.members.insert((group, contact)),
            false => self.members.remove(&(group, contact)),
        };
        Ok(vec![i64::from(had)])
    }

    /// Assigns or unassigns pairs, each with its outcome.
    pub(super) fn assign_all(&mut self, pairs: &[(String, String)], on: bool) -> Facts {
        let mut outcome = |(id, code): &(String, String)| match self.assign(id, code, on) {
            Ok(had) if (had[0] == 1) == on => AssignmentOutcome::Unchanged,
            Ok(_) => AssignmentOutcome::Changed,
            Err(reasons) => match reasons[0] {
                "CONTACT_NOT_FOUND" => AssignmentOutcome::UnknownContact,
                "CONTACT_MERGED" => AssignmentOutcome::ContactMerged,
                "MAILING_GROUP_RENAMED" => AssignmentOutcome::MailingGroupRenamed,
                _ => AssignmentOutcome::UnknownGroup,
            },
        };
        pairs.iter().map(|it| outcome(it) as i64).collect()
    }

    pub(super) fn replace(&mut self, id: &str, codes: &[String]) -> Result<Facts, Reasons> {
        let groups = all(codes.iter().map(|it| self.group(it)));
        let (contact, groups) = both(self.contact(id), groups)?;
        self.members.retain(|it| it.1 != contact);
        self.members
            .extend(groups.into_iter().map(|it| (it, contact)));
        Ok(vec![])
    }
}
