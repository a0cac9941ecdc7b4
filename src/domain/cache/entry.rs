//! The entries of the set cache.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::model::{
    AttributeKey, Code, Commit, ContactSet, SegmentId,
    expression::{AttributeTest, ValueMatch},
};

/// Identifies a set within its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::domain) enum SetKey {
    /// All groups by code.
    Groups,
    /// The members of a group.
    Members(i32),
    /// All contacts.
    Everyone,
    /// All companies.
    Companies,
    /// The contacts that are marked as excluded from segments.
    Excluded,
    /// The contacts that are marked as privacy-blocked.
    PrivacyBlocked,
    /// The contacts with this e-mail address, which is in lower case.
    Email(String),
    /// The contacts whose attribute has this value, or matches.
    Attribute(AttributeKey, ValueMatch),
    /// The company of every contact.
    CompanyOf,
    /// The stored set of a segment, deleted contacts included.
    Segment(SegmentId),
}

impl SetKey {
    /// Whether it may take long to load.
    pub(in crate::domain) fn is_large(&self) -> bool {
        match self {
            Self::Groups
            | Self::Members(_)
            | Self::Everyone
            | Self::Companies
            | Self::Excluded
            | Self::PrivacyBlocked
            | Self::Attribute(..)
            | Self::CompanyOf => true,
            Self::Email(_) | Self::Segment(_) => false,
        }
    }

    /// What its texts take in memory.
    fn text_bytes(&self) -> usize {
        match self {
            Self::Email(email) => email.len(),
            Self::Attribute(key, value) => key.as_str().len() + value.text().len(),
            Self::Segment(id) => id.as_str().len(),
            Self::Groups
            | Self::Members(_)
            | Self::Everyone
            | Self::Companies
            | Self::Excluded
            | Self::PrivacyBlocked
            | Self::CompanyOf => 0,
        }
    }

    /// The sets whose union a test of an attribute is.
    pub(in crate::domain) fn of_attribute(test: &AttributeTest) -> impl Iterator<Item = Self> {
        let values = test.values.iter();
        values.map(|value| Self::Attribute(test.key.clone(), value.clone()))
    }
}

/// All groups by code.
pub(in crate::domain) type Groups = BTreeMap<Code, i32>;

/// The company of every contact, indexed by contact number. A company is its own; 0 means none.
#[derive(Debug, Clone, Default)]
pub(in crate::domain) struct Companies(Vec<u32>);

impl Companies {
    /// The company of a contact.
    pub(in crate::domain) fn of(&self, contact_number: u32) -> Option<u32> {
        self.0
            .get(contact_number as usize)
            .copied()
            .filter(|company| *company != 0)
    }

    /// The contacts of these companies, themselves included, by company. It takes one pass over all
    /// contacts, however many companies there are: an index would cost as much with each change, for
    /// readers share what they read, and a change copies it.
    pub(in crate::domain) fn contacts_by_company(
        &self,
        wanted: &ContactSet,
    ) -> HashMap<u32, ContactSet> {
        let mut found: HashMap<u32, ContactSet> = HashMap::new();
        for (contact, company) in self.contacts_of(wanted) {
            found.entry(company).or_default().insert(contact);
        }
        found
    }

    /// The contacts of these companies, themselves included, each with its company, by number.
    pub(in crate::domain) fn contacts_of(
        &self,
        wanted: &ContactSet,
    ) -> impl Iterator<Item = (u32, u32)> {
        let all = (0..).zip(self.0.iter().copied());
        all.filter(|(_, company)| *company != 0 && wanted.contains(*company))
    }

    pub(super) fn set(&mut self, contact_number: u32, company: u32) {
        let at = contact_number as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] = company;
    }
}

/// A cached set. Readers share it; a change copies it first.
#[derive(Debug, Clone)]
pub(in crate::domain) enum CachedSet {
    Set(Arc<ContactSet>),
    Groups(Arc<Groups>),
    Companies(Arc<Companies>),
    /// The key names nothing that exists.
    Nothing,
}

/// A cached set and the commit it is exact at.
#[derive(Debug, Clone)]
pub(in crate::domain) struct CacheEntry {
    pub(in crate::domain) commit: Commit,
    pub(in crate::domain) set: CachedSet,
}

impl CacheEntry {
    /// An entry for a set of contacts.
    pub(in crate::domain) fn set((commit, set): (Commit, ContactSet)) -> Self {
        Self {
            commit,
            set: CachedSet::Set(Arc::new(set)),
        }
    }

    /// The size in bytes, with the key and overhead, capped at `u32::MAX`.
    pub(super) fn weight(&self, key: &SetKey) -> u32 {
        /// Key, entry and the cache's own nodes.
        const OVERHEAD: usize = 256;
        /// A code, its number, and a share of the tree's nodes.
        const GROUP: usize = 96;
        let bytes = match &self.set {
            CachedSet::Set(set) => set_bytes(set),
            CachedSet::Groups(groups) => groups.len() * GROUP,
            CachedSet::Companies(companies) => companies.0.capacity() * size_of::<u32>(),
            CachedSet::Nothing => 0,
        };
        // The cache has it twice.
        let key_bytes = 2 * key.text_bytes();
        u32::try_from(bytes + key_bytes + OVERHEAD).unwrap_or(u32::MAX)
    }
}

fn set_bytes(set: &ContactSet) -> usize {
    /// A container's header in memory.
    const CONTAINER: u64 = 32;
    let statistics = set.statistics();
    let bytes = statistics.n_bytes_array_containers
        + statistics.n_bytes_run_containers
        + statistics.n_bytes_bitset_containers
        + u64::from(statistics.n_containers) * CONTAINER;
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_found_by_company() {
        let mut companies = Companies::default();
        for (contact, company) in [(1, 1), (2, 2), (3, 1), (5, 2), (7, 1)] {
            companies.set(contact, company);
        }
        companies.set(7, 0);
        let found = companies.contacts_by_company(&[1, 2, 9].into());
        let numbers = |company| {
            found
                .get(&company)
                .map(|set| set.iter().collect::<Vec<_>>())
        };
        assert_eq!(numbers(1), Some(vec![1, 3]));
        assert_eq!(numbers(2), Some(vec![2, 5]));
        assert_eq!(numbers(9), None);
    }
}
