//! An in-memory cache of the sets that selections are made of.
//!
//! A set is read from the database once. On each use it is brought up to date from the change log,
//! so a result is exact as of a revision that is not older than the call, on every replica, without
//! messages between replicas and without background work.

mod catch_up;
mod entry;
mod ids;
mod load;
mod measured;

use std::sync::Arc;

use moka::{future::Cache, policy::EvictionPolicy};

use self::measured::HitMetrics;
pub(super) use self::{
    catch_up::IndexedTail,
    entry::{CacheEntry, CachedSet, Companies, Groups, SetKey},
    ids::{BLOCK, IdBlock},
};
use super::{Error, Result};
use crate::{
    model::TenantId,
    store::{Turn, Turns},
};

/// A cache of bounded size that evicts the least recently used entries.
pub struct SetCache {
    sets: Cache<(TenantId, SetKey), CacheEntry>,
    ids: Cache<(TenantId, u32), IdBlock>,
    /// Limits concurrent loads, of all and of one tenant, so that others get a connection.
    loads: Turns,
    /// The same for loads of many sets: those of one tenant wait for each other, and find what the
    /// one before has loaded.
    bulk_loads: Turns,
    /// Limits long computations.
    computations: Turns,
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
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            sets: Cache::builder()
                .max_capacity(memory - ids)
                .weigher(|_, entry: &CacheEntry| entry.weight())
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            ids: Cache::builder()
                .max_capacity(ids)
                .weigher(|_, block: &IdBlock| block.weight())
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            loads: Turns::new(loads.max(1), MAX_LOADS_PER_TENANT),
            bulk_loads: Turns::new(loads.max(1), 1),
            computations: Turns::new(cores.div_ceil(2), 1),
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
        _ => Error::Internal(error.into()),
    }
}

impl SetCache {
    /// Returns a cached set.
    pub(super) async fn get(&self, tenant_id: TenantId, key: &SetKey) -> Option<CacheEntry> {
        let found = self.sets.get(&(tenant_id, key.clone())).await;
        self.set_hits.count(found.is_some());
        found
    }

    /// Adds or replaces a set, if there is space for it. What does not exist is not kept: names that
    /// callers make up take no space.
    pub(super) async fn put(&self, tenant_id: TenantId, key: &SetKey, entry: &CacheEntry) {
        if let CachedSet::Nothing = entry.set {
            return;
        }
        self.sets
            .insert((tenant_id, key.clone()), entry.clone())
            .await;
    }

    pub(super) async fn invalidate(&self, tenant_id: TenantId, key: &SetKey) {
        self.sets.invalidate(&(tenant_id, key.clone())).await;
    }

    /// Returns a set from the cache, or loads it. Concurrent callers that miss the same set share
    /// one load.
    pub(super) async fn get_or_load(
        &self,
        tenant_id: TenantId,
        key: &SetKey,
        load: impl Future<Output = Result<CacheEntry>>,
    ) -> Result<CacheEntry> {
        let mut found = true;
        let load = async {
            found = false;
            let _turn = self.loads.take(tenant_id).await;
            load.await
        };
        let loaded = self.sets.try_get_with((tenant_id, key.clone()), load).await;
        self.set_hits.count(found);
        let entry = loaded.map_err(shared_error)?;
        if let CachedSet::Nothing = entry.set {
            self.invalidate(tenant_id, key).await;
        }
        Ok(entry)
    }

    /// Waits until a tenant may load many sets.
    pub(super) async fn bulk_load_turn(&self, tenant_id: TenantId) -> Turn {
        self.bulk_loads.take(tenant_id).await
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
        let turn = self.computations.take(tenant_id).await;
        let computed = tokio::task::spawn_blocking(move || {
            // Kept until the work is done, even if its caller goes away.
            let _turn = turn;
            work()
        });
        computed
            .await
            .map_err(|error| Error::Internal(error.into()))
    }

    /// Returns the ids of a block of contacts from the cache, or loads them.
    pub(super) async fn ids(
        &self,
        tenant_id: TenantId,
        block: u32,
        load: impl Future<Output = Result<IdBlock>>,
    ) -> Result<IdBlock> {
        let mut found = true;
        let load = async {
            found = false;
            load.await
        };
        let ids = self.ids.try_get_with((tenant_id, block), load).await;
        self.id_hits.count(found);
        ids.map_err(shared_error)
    }

    pub(super) async fn invalidate_ids(&self, tenant_id: TenantId, block: u32) {
        self.ids.invalidate(&(tenant_id, block)).await;
    }
}
