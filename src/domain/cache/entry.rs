//! What is kept in memory.

use std::{collections::BTreeMap, sync::Arc};

use crate::model::{Code, ContactSet, Revision, SegmentId};

/// Names a leaf within its tenant.
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
    /// All contacts that are to be left out of segments.
    Excluded,
    /// All contacts that asked to be left out of segments.
    PrivacyBlocked,
    /// The company of every contact.
    CompanyOf,
    /// A stored segment, deleted contacts included.
    Segment(SegmentId),
}

/// All groups by code.
pub(in crate::domain) type Groups = BTreeMap<Code, i32>;

/// The company of every contact, by the contact's number: a company is its own, a contact
/// without one has 0.
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

    /// Says what a contact's company is.
    pub(super) fn set(&mut self, contact_number: u32, company: u32) {
        let at = contact_number as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] = company;
    }
}

/// What a leaf holds. Several readers share it; whoever changes it changes a copy.
#[derive(Debug, Clone)]
pub(in crate::domain) enum CachedSet {
    /// Contacts.
    Set(Arc<ContactSet>),
    /// Groups.
    Groups(Arc<Groups>),
    /// Companies.
    Companies(Arc<Companies>),
    /// There is no such thing.
    Nothing,
}

/// A leaf and the revision at which it is true.
#[derive(Debug, Clone)]
pub(in crate::domain) struct CacheEntry {
    pub(in crate::domain) revision: Revision,
    pub(in crate::domain) set: CachedSet,
}

impl CacheEntry {
    /// A set that is true at a revision.
    pub(super) fn set((revision, set): (Revision, ContactSet)) -> Self {
        Self {
            revision,
            set: CachedSet::Set(Arc::new(set)),
        }
    }

    /// The bytes it takes, keys and book-keeping included; at most what 32 bits hold.
    pub(super) fn weight(&self) -> u32 {
        /// Key, entry and the cache's own nodes.
        const OVERHEAD: usize = 256;
        /// A code, its number, and their share of a tree's nodes.
        const GROUP: usize = 96;
        let bytes = match &self.set {
            CachedSet::Set(set) => set_bytes(set),
            CachedSet::Groups(groups) => groups.len() * GROUP,
            CachedSet::Companies(companies) => companies.0.capacity() * size_of::<u32>(),
            CachedSet::Nothing => 0,
        };
        u32::try_from(bytes + OVERHEAD).unwrap_or(u32::MAX)
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
