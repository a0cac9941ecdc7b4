//! Bringing a leaf up to date from the change log.

use std::sync::Arc;

use super::{Companies, Entry, Groups, Key, Leaf};
use crate::{
    model::{Code, ContactSet},
    store::selection::{Interest, LogRow, Tail},
};

/// The kinds of changes, as the log numbers them.
mod kind {
    pub(super) const GROUP_CREATED: i16 = 1;
    pub(super) const GROUP_RENAMED: i16 = 2;
    pub(super) const CONTACTS_CREATED: i16 = 4;
    pub(super) const CONTACTS_UPDATED: i16 = 5;
    pub(super) const MEMBERS_ADDED: i16 = 6;
    pub(super) const MEMBERS_REMOVED: i16 = 7;
    pub(super) const CONTACTS_DELETED: i16 = 8;
    pub(super) const GROUP_DELETED: i16 = 9;
}

impl Key {
    /// Adds what changes this leaf to what is read of the log.
    pub(in crate::domain) fn add_interest(&self, interest: &mut Interest) {
        match self {
            Self::Groups => interest.groups = true,
            Self::Members(group) => interest.members_of.push(*group),
            Self::Segment(id) => interest.segments.push(id.clone()),
            Self::Everyone
            | Self::Companies
            | Self::Excluded
            | Self::PrivacyBlocked
            | Self::CompanyOf => interest.contacts = true,
        }
    }
}

impl Entry {
    /// Brings the leaf up to the end of the log. `false` if it cannot be: it has to be read anew.
    pub(in crate::domain) fn catch_up(&mut self, key: &Key, tail: &Tail) -> bool {
        let Some(rows) = &tail.rows else {
            return self.revision >= tail.revision;
        };
        let revision = self.revision;
        for row in rows.iter().filter(|row| row.revision > revision) {
            if !self.apply(key, row) {
                return false;
            }
        }
        self.revision = self.revision.max(tail.revision);
        true
    }

    fn apply(&mut self, key: &Key, row: &LogRow) -> bool {
        match (key, &mut self.leaf) {
            (Key::Members(group), Leaf::Set(set)) if row.subject_id == *group => {
                change_members(set, row);
            }
            (Key::Everyone, Leaf::Set(set)) => match row.kind {
                kind::CONTACTS_CREATED => add(set, row),
                kind::CONTACTS_DELETED => remove(set, row),
                _ => {}
            },
            (Key::Companies, Leaf::Set(set)) => {
                mark(set, row, |traits| traits.company == traits.contact);
            }
            (Key::Excluded, Leaf::Set(set)) => mark(set, row, |traits| traits.excluded),
            (Key::PrivacyBlocked, Leaf::Set(set)) => mark(set, row, |traits| traits.blocked),
            (Key::CompanyOf, Leaf::Companies(companies)) => change_companies(companies, row),
            (Key::Groups, Leaf::Groups(groups)) => change_groups(groups, row),
            (Key::Segment(id), _) => {
                return row.code.as_deref() != Some(id.as_str()) || row.kind < 10;
            }
            _ => {}
        }
        true
    }
}

/// What a contact is, as the log tells it.
struct Traits {
    contact: u32,
    company: u32,
    excluded: bool,
    blocked: bool,
}

impl Traits {
    /// Reads the log's 64 bits; see `store::selection::tail`.
    fn read(bits: i64) -> Self {
        /// The lowest 31 bits.
        const NUMBER: u64 = 0x7fff_ffff;
        let bits = bits.cast_unsigned();
        let number = |bits: u64| (bits & NUMBER) as u32;
        Self {
            contact: number(bits >> 33),
            company: number(bits >> 2),
            excluded: bits & 2 != 0,
            blocked: bits & 1 != 0,
        }
    }
}

fn numbers(row: &LogRow) -> impl Iterator<Item = u32> {
    row.contact_numbers
        .iter()
        .flatten()
        .map(|number| number.cast_unsigned())
}

fn traits(row: &LogRow) -> impl Iterator<Item = Traits> {
    row.traits.iter().flatten().map(|bits| Traits::read(*bits))
}

fn add(set: &mut Arc<ContactSet>, row: &LogRow) {
    Arc::make_mut(set).extend(numbers(row));
}

fn remove(set: &mut Arc<ContactSet>, row: &LogRow) {
    let set = Arc::make_mut(set);
    for number in numbers(row) {
        set.remove(number);
    }
}

fn change_members(set: &mut Arc<ContactSet>, row: &LogRow) {
    match row.kind {
        kind::MEMBERS_ADDED => add(set, row),
        kind::MEMBERS_REMOVED => remove(set, row),
        kind::GROUP_DELETED => *set = Arc::default(),
        _ => {}
    }
}

/// Puts contacts that came or changed where they belong now, and takes out those that went.
fn mark(set: &mut Arc<ContactSet>, row: &LogRow, belongs: fn(&Traits) -> bool) {
    if !matches!(
        row.kind,
        kind::CONTACTS_CREATED | kind::CONTACTS_UPDATED | kind::CONTACTS_DELETED
    ) {
        return;
    }
    // Most changes leave most sets as they are: no copy is made then.
    let wanted: ContactSet = traits(row)
        .filter(belongs)
        .map(|traits| traits.contact)
        .collect();
    let touched: ContactSet = numbers(row).collect();
    if &**set & &touched != wanted {
        let set = Arc::make_mut(set);
        *set -= touched;
        *set |= wanted;
    }
}

fn change_companies(companies: &mut Arc<Companies>, row: &LogRow) {
    match row.kind {
        kind::CONTACTS_CREATED | kind::CONTACTS_UPDATED => {
            let companies = Arc::make_mut(companies);
            traits(row).for_each(|traits| companies.set(traits.contact, traits.company));
        }
        kind::CONTACTS_DELETED => {
            let companies = Arc::make_mut(companies);
            numbers(row).for_each(|number| companies.set(number, 0));
        }
        _ => {}
    }
}

fn change_groups(groups: &mut Arc<Groups>, row: &LogRow) {
    let code = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<Code>().ok());
    let Some(present) = code(&row.code) else {
        return;
    };
    match row.kind {
        kind::GROUP_CREATED => {
            Arc::make_mut(groups).insert(present, row.subject_id);
        }
        kind::GROUP_RENAMED => {
            let groups = Arc::make_mut(groups);
            if let Some(former) = code(&row.former_code) {
                groups.remove(&former);
            }
            groups.insert(present, row.subject_id);
        }
        kind::GROUP_DELETED => {
            Arc::make_mut(groups).remove(&present);
        }
        _ => {}
    }
}
