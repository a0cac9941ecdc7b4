//! Sets in memory, all at one revision.

use std::{collections::HashMap, sync::Arc};

use super::error::SelectionFault;
use crate::{
    domain::{
        Result,
        cache::{CacheEntry, CachedSet, Companies, Groups, SetKey},
    },
    model::{ContactSet, SegmentId},
};

/// What selections are evaluated on.
#[derive(Default)]
pub(super) struct LoadedSets {
    pub(super) entries: HashMap<SetKey, CacheEntry>,
    /// The uncommitted members of a segment, which replace the stored ones.
    pub(super) draft_segment: Option<(SegmentId, Arc<ContactSet>)>,
}

impl LoadedSets {
    pub(super) fn is_loaded(&self, key: &SetKey) -> bool {
        self.entries.contains_key(key)
    }

    /// A loaded set; empty if it was not loaded.
    pub(super) fn set(&self, key: &SetKey) -> Arc<ContactSet> {
        match self.entries.get(key) {
            Some(CacheEntry {
                set: CachedSet::Set(set),
                ..
            }) => Arc::clone(set),
            _ => Arc::default(),
        }
    }

    /// Whether a loaded key names something that exists.
    fn exists(&self, key: &SetKey) -> bool {
        self.entries
            .get(key)
            .is_some_and(|entry| !matches!(entry.set, CachedSet::Nothing))
    }

    pub(super) fn groups(&self) -> Arc<Groups> {
        match self.entries.get(&SetKey::Groups) {
            Some(CacheEntry {
                set: CachedSet::Groups(groups),
                ..
            }) => Arc::clone(groups),
            _ => Arc::default(),
        }
    }

    pub(super) fn companies(&self) -> Arc<Companies> {
        match self.entries.get(&SetKey::CompanyOf) {
            Some(CacheEntry {
                set: CachedSet::Companies(companies),
                ..
            }) => Arc::clone(companies),
            _ => Arc::default(),
        }
    }

    /// The contacts on a segment that still exist.
    pub(super) fn segment(&self, id: &SegmentId) -> Result<Arc<ContactSet>> {
        if let Some((draft, members)) = &self.draft_segment
            && draft == id
        {
            return Ok(Arc::clone(members));
        }
        let key = SetKey::Segment(id.clone());
        if !self.exists(&key) {
            return Err(SelectionFault::UnknownSegment(id.clone()).into());
        }
        let (stored, everyone) = (self.set(&key), self.set(&SetKey::Everyone));
        match stored.is_subset(&everyone) {
            true => Ok(stored),
            false => Ok(Arc::new(&*stored & &*everyone)),
        }
    }
}
