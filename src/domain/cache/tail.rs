//! The tail of the log, indexed for sets of which there may be very many.

use std::{collections::HashMap, sync::OnceLock};

use super::SetKey;
use crate::{
    model::{Commit, ContactSet, Revision},
    store::log::{LogEntry, LogTail, TailEntry},
};

/// The tail of the log. Many callers can share it.
pub(in crate::domain) struct IndexedTail {
    head: Commit,
    replaced: Vec<Revision>,
    /// `None` if there are too many, or the log does not reach back.
    entries: Option<Vec<IndexedEntry>>,
    by_subject: HashMap<i32, Vec<usize>>,
}

/// An entry, with what is made of it once for all sets.
pub(super) struct IndexedEntry {
    row: TailEntry,
    touched: OnceLock<ContactSet>,
    of_company: OnceLock<HashMap<u32, ContactSet>>,
}

impl IndexedTail {
    pub(in crate::domain) fn new(tail: LogTail) -> Self {
        let mut by_subject: HashMap<i32, Vec<usize>> = HashMap::new();
        for (at, row) in tail.entries.iter().flatten().enumerate() {
            by_subject.entry(row.entry.subject_id).or_default().push(at);
        }
        let entries = tail.entries.map(|rows| {
            let entries = rows.into_iter().map(|row| IndexedEntry {
                row,
                touched: OnceLock::new(),
                of_company: OnceLock::new(),
            });
            entries.collect()
        });
        Self {
            head: tail.head,
            replaced: tail.replaced,
            entries,
            by_subject,
        }
    }

    pub(in crate::domain) fn head(&self) -> Commit {
        self.head
    }

    /// Whether a commit of this revision was lost.
    pub(super) fn replaced(&self, revision: Revision) -> bool {
        self.replaced.contains(&revision)
    }

    /// The entries that may affect a set, in order; `None` if the tail is not complete.
    pub(super) fn entries_for(
        &self,
        key: &SetKey,
    ) -> Option<Box<dyn Iterator<Item = &IndexedEntry> + '_>> {
        let entries = self.entries.as_ref()?;
        Some(match key {
            SetKey::Members(group) => {
                let places = self.by_subject.get(group).into_iter().flatten();
                Box::new(places.map(|at| &entries[*at]))
            }
            SetKey::Groups
            | SetKey::Everyone
            | SetKey::Companies
            | SetKey::Excluded
            | SetKey::PrivacyBlocked
            | SetKey::Email(_)
            | SetKey::Attribute(..)
            | SetKey::OfCompany(_)
            | SetKey::CompanyOf
            | SetKey::Segment(_) => Box::new(entries.iter()),
        })
    }
}

impl IndexedEntry {
    pub(super) fn row(&self) -> &TailEntry {
        &self.row
    }

    /// The contacts that the entry is about.
    pub(super) fn touched(&self) -> &ContactSet {
        self.touched
            .get_or_init(|| numbers(&self.row.entry).collect())
    }

    /// Those of them that are of a company now.
    pub(super) fn of_company(&self, company: u32) -> ContactSet {
        let by_company = self.of_company.get_or_init(|| {
            let mut found: HashMap<u32, ContactSet> = HashMap::new();
            for state in &self.row.states {
                found.entry(state.company).or_default().insert(state.number);
            }
            found
        });
        by_company.get(&company).cloned().unwrap_or_default()
    }
}

/// The contacts of an entry.
pub(super) fn numbers(row: &LogEntry) -> impl Iterator<Item = u32> {
    let numbers = row.contact_numbers.iter().flatten();
    numbers.map(|number| number.cast_unsigned())
}
