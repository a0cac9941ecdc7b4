//! Reads the sets of one selection and brings them to one revision.

use std::{collections::HashMap, sync::Arc};

use super::{loaded::LoadedSets, matches::MatchedGroups};
use crate::{
    domain::{
        Domain, Result,
        cache::{CacheEntry, Groups, IndexedTail, SetKey},
        jobs::{CatchUp, KnownSets},
    },
    fair_semaphore::FairPermit,
    model::{Commit, ContactId, TenantId, TenantName},
    store::{
        Connection, Transaction,
        log::{LogFilter, changes_since},
    },
};

/// How the database is accessed.
pub(super) enum Access<'a> {
    /// Through the pool, for a tenant. No connection is held while another caller loads a set.
    Pool(&'a TenantName),
    /// Through a transaction that holds the tenant's write lock.
    Transaction(&'a mut Transaction),
}

/// Gathers sets.
pub(super) struct SetReader<'a> {
    pub(super) domain: &'a Domain,
    pub(super) tenant_id: TenantId,
    pub(super) access: Access<'a>,
    pub(super) sets: LoadedSets,
    /// Whether sets that were loaded have to be loaded again.
    lacks_sets: bool,
    /// Whether sets are loaded for the first time. Later ones are loaded at the primary, which takes less
    /// time: the more the tenant's data changes, the longer it would go on.
    pub(super) is_first: bool,
    /// Held by a selection of very many sets.
    pub(super) large: Option<FairPermit>,
    /// What expressions match, by their text, with the groups that they were matched with.
    pub(super) matched: HashMap<String, (Arc<Groups>, Arc<MatchedGroups>)>,
    /// The numbers of the companies that expressions name.
    pub(super) companies: HashMap<ContactId, u32>,
}

/// After how many entries other tasks may run.
pub(super) const ENTRIES_AT_ONCE: usize = 256;

impl<'a> SetReader<'a> {
    pub(super) fn new(domain: &'a Domain, tenant_id: TenantId, access: Access<'a>) -> Self {
        SetReader {
            domain,
            tenant_id,
            access,
            sets: LoadedSets::default(),
            lacks_sets: false,
            is_first: true,
            large: None,
            matched: HashMap::new(),
            companies: HashMap::new(),
        }
    }

    /// Runs queries.
    pub(super) async fn read<T>(
        &mut self,
        op: impl AsyncFnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        match &mut self.access {
            Access::Pool(_) => self.domain.read(self.tenant_id, op).await,
            Access::Transaction(tx) => {
                let connection: &mut Connection = tx;
                op(connection).await
            }
        }
    }

    /// Runs a computation; a long one not on the threads that serve all calls.
    pub(super) async fn compute<T: Send + 'static>(
        &mut self,
        is_long: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let cache = self.domain.cache();
        cache.compute(self.tenant_id, is_long, work).await
    }

    /// Loads a set at any revision.
    pub(super) async fn load(&mut self, key: SetKey) -> Result<()> {
        if !self.sets.is_loaded(&key) {
            let entry = self.read_entry(&key).await?;
            self.sets.entries.insert(key, entry);
        }
        Ok(())
    }

    async fn read_entry(&mut self, key: &SetKey) -> Result<CacheEntry> {
        let (domain, tenant_id) = (self.domain, self.tenant_id);
        let cache = domain.cache();
        match &mut self.access {
            Access::Pool(_) => {
                let via_replica = self.is_first && key.is_large();
                let load = load_set(domain.clone(), tenant_id, key.clone(), via_replica);
                cache.get_or_load(tenant_id, key, load).await
            }
            Access::Transaction(tx) => match cache.get(tenant_id, key) {
                Some(entry) => Ok(entry),
                None => {
                    let entry = CacheEntry::load(tx, tenant_id, key).await?;
                    cache.put(tenant_id, key, &entry);
                    Ok(entry)
                }
            },
        }
    }

    /// Brings all loaded sets to the current commit and returns it. Returns `None` if some of them
    /// have to be loaded again.
    pub(super) async fn catch_up(&mut self) -> Result<Option<Commit>> {
        let head = self.update().await?;
        self.is_first = false;
        let lacks_sets = std::mem::take(&mut self.lacks_sets);
        let is_level = |entry: &CacheEntry| entry.commit == head;
        let is_complete = !lacks_sets && self.sets.entries.values().all(is_level);
        Ok(is_complete.then_some(head))
    }

    /// Brings the loaded sets to the current commit, as far as they need not be loaded again.
    pub(super) async fn update(&mut self) -> Result<Commit> {
        let entries = self.sets.entries.values();
        let mut known: Vec<Commit> = entries.map(|entry| entry.commit).collect();
        known.sort_unstable_by_key(|commit| (commit.revision, commit.id));
        known.dedup();
        let tail = self.changes_since(&known).await?;
        let (cache, tenant_id) = (self.domain.cache(), self.tenant_id);
        let mut stale = Vec::new();
        for (at, (key, entry)) in self.sets.entries.iter_mut().enumerate() {
            let before = entry.commit;
            if !entry.catch_up(key, &tail) {
                stale.push(key.clone());
            } else if entry.commit != before {
                cache.put(tenant_id, key, entry);
            }
            if at % ENTRIES_AT_ONCE == ENTRIES_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        for key in &stale {
            self.sets.entries.remove(key);
            cache.invalidate(tenant_id, key);
        }
        self.lacks_sets |= !stale.is_empty();
        Ok(tail.head())
    }

    async fn changes_since(&mut self, known: &[Commit]) -> Result<Arc<IndexedTail>> {
        let mut filter = LogFilter::default();
        let keys = self.sets.entries.keys();
        keys.for_each(|key| key.extend_filter(&mut filter));
        filter.sort();
        let tenant_id = self.tenant_id;
        if let Access::Pool(tenant) = self.access {
            let sets = KnownSets {
                tenant_id,
                commits: known.to_vec(),
                filter: filter.clone(),
            };
            let operation = || CatchUp(self.domain.database.clone());
            let batcher = &self.domain.jobs.catch_up;
            if let Some(tail) = batcher.run(tenant, sets, operation).await? {
                return Ok(tail);
            }
        }
        let read = async |conn: &mut _| Ok(changes_since(conn, tenant_id, known, &filter).await?);
        let tail = self.read(read).await?;
        Ok(Arc::new(IndexedTail::new(tail)))
    }
}

async fn load_set(
    domain: Domain,
    tenant_id: TenantId,
    key: SetKey,
    via_replica: bool,
) -> Result<CacheEntry> {
    let load = async |conn: &mut _| CacheEntry::load(conn, tenant_id, &key).await;
    match via_replica {
        true => domain.read_via_replica(tenant_id, load).await,
        false => domain.read(tenant_id, load).await,
    }
}
