//! An in-memory cache of the sets that selections are made of.
//!
//! A set is read from the database once. On each use it is brought up to date from the change log,
//! so a result is exact as of a revision that is not older than the call, on every replica, without
//! messages between replicas and without background work.

mod catch_up;
mod entry;
mod ids;
mod load;
mod lru;
mod measured;
mod single_flight;
mod tail;

use std::sync::Arc;

pub(super) use self::{
    entry::{CacheEntry, CachedSet, Companies, Groups, SetKey},
    ids::{BLOCK, IdBlock},
    tail::IndexedTail,
};
use self::{lru::TenantLru, measured::HitMetrics, single_flight::SingleFlight};
use super::{Error, Result};
use crate::{
    cpu,
    fair_semaphore::{FairPermit, FairSemaphore},
    model::TenantId,
};

/// A cache of bounded size, which tenants share.
pub struct SetCache {
    sets: TenantLru<SetKey, CacheEntry>,
    ids: TenantLru<u32, IdBlock>,
    set_loads: SingleFlight<(TenantId, SetKey), CacheEntry>,
    id_loads: SingleFlight<(TenantId, u32), IdBlock>,
    /// Limits concurrent loads, of all and of one tenant, so that others get a connection.
    loads: FairSemaphore,
    /// The same for loads of many sets: those of one tenant wait for each other, and find what the
    /// one before has loaded.
    bulk_loads: FairSemaphore,
    /// Limits long computations.
    computations: FairSemaphore,
    /// Selections of very many sets keep a thread busy for milliseconds: those of one tenant wait for each
    /// other. Other tenants do not wait, because the permit is kept while sets are loaded.
    large_selections: FairSemaphore,
    set_hits: HitMetrics,
    id_hits: HitMetrics,
}

/// Maximum number of concurrent loads per tenant.
const MAX_LOADS_PER_TENANT: usize = 2;

impl SetCache {
    /// A cache of at most `memory` bytes, which loads at most `loads` sets at a time.
    pub fn new(memory: u64, loads: usize) -> Self {
        // Three quarters for sets, a quarter for the ids of contacts.
        let ids = memory / 4;
        Self {
            sets: TenantLru::new(memory - ids),
            ids: TenantLru::new(ids),
            set_loads: SingleFlight::default(),
            id_loads: SingleFlight::default(),
            loads: FairSemaphore::new(loads.max(1), MAX_LOADS_PER_TENANT),
            bulk_loads: FairSemaphore::new(loads.max(1), 1),
            computations: FairSemaphore::new(cpu::cores().div_ceil(2), 1),
            large_selections: FairSemaphore::new(usize::MAX, 1),
            set_hits: HitMetrics::of(measured::SETS),
            id_hits: HitMetrics::of(measured::IDS),
        }
    }
}

/// The error of a load that several callers waited for.
fn shared_error(error: Arc<Error>) -> Error {
    match &*error {
        Error::Unavailable(_) => Error::Unavailable(error.into()),
        Error::DatabaseFull(_) => Error::DatabaseFull(error.into()),
        Error::ShuttingDown => Error::ShuttingDown,
        _ => Error::Internal(error.into()),
    }
}

impl SetCache {
    /// Returns a cached set.
    pub(super) fn get(&self, tenant_id: TenantId, key: &SetKey) -> Option<CacheEntry> {
        let found = self.sets.get(tenant_id, key);
        self.set_hits.count(found.is_some());
        found
    }

    /// Adds or replaces a set, if there is space for it.
    pub(super) fn put(&self, tenant_id: TenantId, key: &SetKey, entry: &CacheEntry) {
        keep(&self.sets, tenant_id, key, entry);
    }

    pub(super) fn invalidate(&self, tenant_id: TenantId, key: &SetKey) {
        self.sets.remove(tenant_id, key);
    }

    /// Returns a set from the cache, or loads it. Concurrent callers that miss the same set share
    /// one load.
    pub(super) async fn get_or_load(
        &self,
        tenant_id: TenantId,
        key: &SetKey,
        load: impl Future<Output = Result<CacheEntry>> + Send + 'static,
    ) -> Result<CacheEntry> {
        let name = (tenant_id, key.clone());
        if let Some(entry) = self.get(tenant_id, key) {
            return Ok(entry);
        }
        let (sets, loads, key) = (self.sets.clone(), self.loads.clone(), key.clone());
        let load = async move {
            let _permit = loads.acquire(tenant_id).await;
            let entry = load.await?;
            keep(&sets, tenant_id, &key, &entry);
            Ok(entry)
        };
        self.set_loads.join(name, load).await.map_err(shared_error)
    }

    /// Waits until a tenant may select from very many sets.
    pub(super) async fn large_selection_permit(&self, tenant_id: TenantId) -> FairPermit {
        self.large_selections.acquire(tenant_id).await
    }

    /// Waits until a tenant may load many sets.
    pub(super) async fn bulk_load_permit(&self, tenant_id: TenantId) -> FairPermit {
        self.bulk_loads.acquire(tenant_id).await
    }

    /// Runs a computation on sets. A long one runs on a thread of its own, so that the threads that
    /// serve all calls go on.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        tenant_id: TenantId,
        is_long: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        if !is_long {
            return Ok(work());
        }
        let permit = self.computations.acquire(tenant_id).await;
        let computed = tokio::task::spawn_blocking(move || {
            // Kept until the work is done, even if its caller goes away.
            let _permit = permit;
            work()
        });
        Ok(computed.await?)
    }

    /// Returns the ids of a block of contacts from the cache, or loads them.
    pub(super) async fn ids(
        &self,
        tenant_id: TenantId,
        block: u32,
        load: impl Future<Output = Result<IdBlock>> + Send + 'static,
    ) -> Result<IdBlock> {
        let name = (tenant_id, block);
        let found = self.ids.get(tenant_id, &block);
        self.id_hits.count(found.is_some());
        if let Some(known) = found {
            return Ok(known);
        }
        let ids = self.ids.clone();
        let load = async move {
            let loaded = load.await?;
            ids.insert(tenant_id, block, loaded.clone(), loaded.weight());
            Ok(loaded)
        };
        self.id_loads.join(name, load).await.map_err(shared_error)
    }

    pub(super) fn invalidate_ids(&self, tenant_id: TenantId, block: u32) {
        self.ids.remove(tenant_id, &block);
    }
}

/// Keeps a set. What does not exist is not kept: names that callers make up take no space.
fn keep(
    sets: &TenantLru<SetKey, CacheEntry>,
    tenant_id: TenantId,
    key: &SetKey,
    entry: &CacheEntry,
) {
    if !matches!(entry.set, CachedSet::Nothing) {
        sets.insert(tenant_id, key.clone(), entry.clone(), entry.weight(key));
    }
}
