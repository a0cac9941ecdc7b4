//! Brings a cached set up to date from the change log.

use std::sync::Arc;

use super::{
    CacheEntry, CachedSet, Companies, Groups, SetKey,
    tail::{IndexedEntry, IndexedTail, numbers},
};
use crate::{
    model::{ChangeKind, Code, ContactSet, ContactsChange},
    store::log::{LogEntry, LogFilter, TailEntry},
};

impl SetKey {
    /// Adds the kinds of changes that affect this set to a filter.
    pub(in crate::domain) fn extend_filter(&self, filter: &mut LogFilter) {
        match self {
            Self::Groups => filter.codes = true,
            Self::Members(group) => filter.members_of.push(*group),
            Self::Segment(id) => filter.segments.push(id.clone()),
            Self::Email(email) => {
                filter.contacts = true;
                filter.emails.push(email.clone());
            }
            Self::Attribute(key, _) => {
                filter.contacts = true;
                filter.attributes.push(key.clone());
            }
            Self::Everyone
            | Self::Companies
            | Self::Excluded
            | Self::PrivacyBlocked
            | Self::OfCompany(_)
            | Self::CompanyOf => filter.contacts = true,
        }
    }
}

impl CacheEntry {
    /// Applies the tail of the log. Returns `false` if the set has to be loaded again instead.
    pub(in crate::domain) fn catch_up(&mut self, key: &SetKey, tail: &IndexedTail) -> bool {
        let head = tail.head();
        let Some(entries) = tail.entries_for(key) else {
            return self.commit == head;
        };
        let revision = self.commit.revision;
        if tail.replaced(revision) {
            return false;
        }
        for entry in entries.filter(|it| it.row().entry.revision > revision) {
            if !self.apply(key, entry) {
                return false;
            }
        }
        if revision < head.revision {
            self.commit = head;
        }
        true
    }

    fn apply(&mut self, key: &SetKey, indexed: &IndexedEntry) -> bool {
        let row = indexed.row();
        let affected = row.entry.kind.affected_sets();
        match (key, &mut self.set) {
            (SetKey::Members(group), CachedSet::Set(set)) if row.entry.subject_id == *group => {
                change_members(set, &row.entry);
            }
            (SetKey::Everyone, CachedSet::Set(set)) => match affected.contacts {
                Some(ContactsChange::Created) => add(set, &row.entry),
                Some(ContactsChange::Deleted) => remove(set, &row.entry),
                Some(ContactsChange::Updated) | None => {}
            },
            (SetKey::Companies, CachedSet::Set(set)) => {
                let companies = row.states.iter().filter(|it| it.company == it.number);
                change_set(set, indexed, companies.map(|it| it.number));
            }
            (SetKey::Excluded, CachedSet::Set(set)) => {
                let excluded = row.states.iter().filter(|it| it.excluded);
                change_set(set, indexed, excluded.map(|it| it.number));
            }
            (SetKey::PrivacyBlocked, CachedSet::Set(set)) => {
                let blocked = row.states.iter().filter(|it| it.privacy_blocked);
                change_set(set, indexed, blocked.map(|it| it.number));
            }
            (SetKey::Email(email), CachedSet::Set(set)) => {
                let with_email = row.emails.iter().filter(|(_, it)| it == email);
                change_set(set, indexed, with_email.map(|(number, _)| *number));
            }
            (SetKey::OfCompany(number), CachedSet::Set(set)) => {
                change_set(set, indexed, indexed.of_company(*number).iter());
            }
            (SetKey::Attribute(key, value), CachedSet::Set(set)) => {
                let Some(attributes) = &row.attributes else {
                    return false;
                };
                let of_key = attributes.iter().filter(|it| it.key == *key);
                let matching = of_key.filter(|it| value.matches(&it.value));
                change_set(set, indexed, matching.map(|it| it.number));
            }
            (SetKey::CompanyOf, CachedSet::Companies(companies)) => {
                change_companies(companies, row);
            }
            (SetKey::Groups, CachedSet::Groups(groups)) => change_groups(groups, &row.entry),
            (SetKey::Segment(id), _) => {
                return row.entry.code.as_deref() != Some(id.as_str()) || !affected.segment;
            }
            (
                SetKey::Groups
                | SetKey::Members(_)
                | SetKey::Everyone
                | SetKey::Companies
                | SetKey::Excluded
                | SetKey::PrivacyBlocked
                | SetKey::Email(_)
                | SetKey::Attribute(..)
                | SetKey::OfCompany(_)
                | SetKey::CompanyOf,
                _,
            ) => {}
        }
        true
    }
}

fn add(set: &mut Arc<ContactSet>, row: &LogEntry) {
    Arc::make_mut(set).extend(numbers(row));
}

fn remove(set: &mut Arc<ContactSet>, row: &LogEntry) {
    let set = Arc::make_mut(set);
    for number in numbers(row) {
        set.remove(number);
    }
}

fn change_members(set: &mut Arc<ContactSet>, row: &LogEntry) {
    match row.kind {
        ChangeKind::MembersAdded => add(set, row),
        ChangeKind::MembersRemoved => remove(set, row),
        ChangeKind::GroupDeleted => *set = Arc::default(),
        ChangeKind::GroupCreated
        | ChangeKind::GroupRenamed
        | ChangeKind::GroupUpdated
        | ChangeKind::ContactsCreated
        | ChangeKind::ContactsUpdated
        | ChangeKind::ContactsDeleted
        | ChangeKind::SegmentCreated
        | ChangeKind::SegmentUpdated
        | ChangeKind::SegmentDeleted
        | ChangeKind::CriteriaSaved
        | ChangeKind::CriteriaDeleted => {}
    }
}

/// Of the contacts that an entry changed or deleted, leaves those in the set that belong to it now.
fn change_set(
    set: &mut Arc<ContactSet>,
    indexed: &IndexedEntry,
    belonging: impl Iterator<Item = u32>,
) {
    let affected = indexed.row().entry.kind.affected_sets();
    if affected.contacts.is_none() {
        return;
    }
    // Most changes leave most sets unchanged. Then no copy is made.
    let wanted: ContactSet = belonging.collect();
    let touched = indexed.touched();
    if &**set & touched != wanted {
        let set = Arc::make_mut(set);
        *set -= touched;
        *set |= wanted;
    }
}

/// Sets the companies of created and changed contacts, and removes deleted contacts.
fn change_companies(companies: &mut Arc<Companies>, row: &TailEntry) {
    let affected = row.entry.kind.affected_sets();
    let deleted = affected.contacts == Some(ContactsChange::Deleted);
    if row.states.is_empty() && !deleted {
        return;
    }
    let companies = Arc::make_mut(companies);
    for state in &row.states {
        companies.set(state.number, state.company);
    }
    if deleted {
        numbers(&row.entry).for_each(|number| companies.set(number, 0));
    }
}

fn change_groups(groups: &mut Arc<Groups>, row: &LogEntry) {
    let code = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<Code>().ok());
    let Some(present) = code(&row.code) else {
        return;
    };
    match row.kind {
        ChangeKind::GroupCreated => {
            Arc::make_mut(groups).insert(present, row.subject_id);
        }
        ChangeKind::GroupRenamed => {
            let groups = Arc::make_mut(groups);
            if let Some(former) = code(&row.former_code) {
                groups.remove(&former);
            }
            groups.insert(present, row.subject_id);
        }
        ChangeKind::GroupDeleted => {
            Arc::make_mut(groups).remove(&present);
        }
        ChangeKind::GroupUpdated
        | ChangeKind::ContactsCreated
        | ChangeKind::ContactsUpdated
        | ChangeKind::ContactsDeleted
        | ChangeKind::MembersAdded
        | ChangeKind::MembersRemoved
        | ChangeKind::SegmentCreated
        | ChangeKind::SegmentUpdated
        | ChangeKind::SegmentDeleted
        | ChangeKind::CriteriaSaved
        | ChangeKind::CriteriaDeleted => {}
    }
}
