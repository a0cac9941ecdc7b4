//! The sets of one selection, all brought to one revision.

use std::{collections::HashMap, sync::Arc};

use crate::{
    domain::{
        Domain, Result,
        cache::{CacheEntry, CachedSet, Companies, Groups, SetKey},
    },
    model::{Commit, ContactSet, SegmentId, TenantId},
    store::{
        Transaction,
        log::{LogFilter, LogTail, changes_since},
    },
};

/// How the database is accessed.
pub(super) enum Access<'a> {
    /// Through the pool. No connection is held while another caller loads a set.
    Pool,
    /// Through a transaction that holds the tenant's write lock.
    Transaction(&'a mut Transaction),
}

/// Gathers entries.
pub(super) struct SetReader<'a> {
    pub(super) domain: &'a Domain,
    pub(super) tenant_id: TenantId,
    pub(super) access: Access<'a>,
    /// The uncommitted members of a segment, which replace the stored ones.
    pub(super) draft_segment: Option<(SegmentId, Arc<ContactSet>)>,
    entries: HashMap<SetKey, CacheEntry>,
}

impl<'a> SetReader<'a> {
    pub(super) fn new(domain: &'a Domain, tenant_id: TenantId, access: Access<'a>) -> Self {
        SetReader {
            domain,
            tenant_id,
            access,
            draft_segment: None,
            entries: HashMap::new(),
        }
    }

    /// Loads a set at any revision.
    pub(super) async fn load(&mut self, key: SetKey) -> Result<()> {
        if !self.entries.contains_key(&key) {
            let entry = self.read_entry(&key).await?;
            self.entries.insert(key, entry);
        }
        Ok(())
    }

    pub(super) fn is_loaded(&self, key: &SetKey) -> bool {
        self.entries.contains_key(key)
    }

    async fn read_entry(&mut self, key: &SetKey) -> Result<CacheEntry> {
        let (domain, tenant_id) = (self.domain, self.tenant_id);
        let cache = domain.cache();
        match &mut self.access {
            Access::Pool => {
                let load = domain.read(tenant_id, async |conn| {
                    CacheEntry::load(conn, tenant_id, key).await
                });
                cache.get_or_load(tenant_id, key, load).await
            }
            Access::Transaction(tx) => match cache.get(tenant_id, key).await {
                Some(entry) => Ok(entry),
                None => {
                    let entry = CacheEntry::load(tx, tenant_id, key).await?;
                    cache.put(tenant_id, key, &entry).await;
                    Ok(entry)
                }
            },
        }
    }

    /// Brings all loaded sets to the current commit and returns it. Returns `None` if some of them
    /// have to be loaded again.
    pub(super) async fn catch_up(&mut self) -> Result<Option<Commit>> {
        let mut known: Vec<Commit> = self.entries.values().map(|entry| entry.commit).collect();
        known.sort_unstable_by_key(|commit| (commit.revision, commit.id));
        known.dedup();
        let tail = self.changes_since(&known).await?;
        let mut stale = Vec::new();
        let mut level = true;
        for (key, entry) in &mut self.entries {
            let before = entry.commit;
            if !entry.catch_up(key, &tail) {
                stale.push(key.clone());
            } else if entry.commit != before {
                self.domain.cache().put(self.tenant_id, key, entry).await;
            }
            level &= entry.commit == tail.head;
        }
        for key in &stale {
            self.entries.remove(key);
            self.domain.cache().invalidate(self.tenant_id, key).await;
        }
        Ok((stale.is_empty() && level).then_some(tail.head))
    }

    async fn changes_since(&mut self, known: &[Commit]) -> Result<LogTail> {
        let mut filter = LogFilter::default();
        self.entries
            .keys()
            .for_each(|key| key.extend_filter(&mut filter));
        let tenant_id = self.tenant_id;
        match &mut self.access {
            Access::Pool => {
                let read =
                    async |conn: &mut _| Ok(changes_since(conn, tenant_id, known, &filter).await?);
                self.domain.read(tenant_id, read).await
            }
            Access::Transaction(tx) => Ok(changes_since(tx, tenant_id, known, &filter).await?),
        }
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
    pub(super) fn exists(&self, key: &SetKey) -> bool {
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
}
