//! The entries of the set cache.

use std::{collections::BTreeMap, sync::Arc};

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
    /// The contacts of a company, itself included.
    OfCompany(u32),
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
            Self::Email(_) | Self::OfCompany(_) | Self::Segment(_) => false,
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
            | Self::OfCompany(_)
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

/// The company of every contact, indexed by contact number. A company is its own; 0 means none. It is
/// shared in blocks, so that a change copies those that it changes only.
#[derive(Debug, Clone, Default)]
pub(in crate::domain) struct Companies(Vec<Arc<CompanyBlock>>);

/// The companies of [`PER_BLOCK`] contacts.
type CompanyBlock = [u32; PER_BLOCK];

const PER_BLOCK: usize = 4096;

impl Companies {
    /// The company of a contact.
    pub(in crate::domain) fn of(&self, contact_number: u32) -> Option<u32> {
        let at = contact_number as usize;
        let company = self.0.get(at / PER_BLOCK)?[at % PER_BLOCK];
        (company != 0).then_some(company)
    }

    /// The contacts of these companies, themselves included. It takes one pass over all contacts, however
    /// many companies there are.
    pub(in crate::domain) fn contacts_of(&self, wanted: &ContactSet) -> ContactSet {
        let all = (0..).zip(self.0.iter().flat_map(|block| block.iter()));
        let found = all.filter(|(_, company)| **company != 0 && wanted.contains(**company));
        found.map(|(contact, _)| contact).collect()
    }

    pub(super) fn set(&mut self, contact_number: u32, company: u32) {
        let at = contact_number as usize;
        let block = at / PER_BLOCK;
        if self.0.len() <= block {
            self.0.resize_with(block + 1, || Arc::new([0; PER_BLOCK]));
        }
        Arc::make_mut(&mut self.0[block])[at % PER_BLOCK] = company;
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
            CachedSet::Companies(companies) => companies.0.len() * size_of::<CompanyBlock>(),
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
        for (contact, company) in [(1, 1), (2, 2), (3, 1), (9_000, 2), (7, 1)] {
            companies.set(contact, company);
        }
        companies.set(7, 0);
        let contacts_of = |wanted: &[u32]| -> Vec<u32> {
            let wanted = wanted.iter().copied().collect();
            companies.contacts_of(&wanted).iter().collect()
        };
        assert_eq!(contacts_of(&[1]), [1, 3]);
        assert_eq!(contacts_of(&[1, 2, 9]), [1, 2, 3, 9_000]);
        assert_eq!(companies.of(9_000), Some(2));
        assert_eq!(companies.of(7), None);
        assert_eq!(contacts_of(&[9]), Vec::<u32>::new());
    }
}
