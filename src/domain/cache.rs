//! An in-memory cache of the sets that selections are made of.
//!
//! A set is read from the database once. On each use it is brought up to date from the change log,
//! so a result is exact as of a revision that is not older than the call, on every replica, without
//! messages between replicas and without background work.

mod catch_up;
mod entry;
mod ids;
mod load;

use std::sync::Arc;

use moka::{future::Cache, policy::EvictionPolicy};
use tokio::sync::{Semaphore, SemaphorePermit};

pub(super) use self::{
    entry::{CacheEntry, CachedSet, Companies, Groups, SetKey},
    ids::{BLOCK, IdBlock},
};
use super::{Error, Result};
use crate::model::TenantId;

/// A cache of bounded size that evicts the least recently used entries.
pub struct SetCache {
    sets: Cache<(TenantId, SetKey), CacheEntry>,
    ids: Cache<(TenantId, u32), IdBlock>,
    /// Limits concurrent loads, so that other operations get a connection.
    loads: Semaphore,
    /// Limits the concurrent loads of one tenant, so that other tenants need not wait.
    tenant_loads: Cache<TenantId, Arc<Semaphore>>,
}

/// Maximum number of concurrent loads per tenant.
const MAX_LOADS_PER_TENANT: usize = 2;

/// Maximum number of tenants whose semaphores are kept.
const MAX_TENANTS: u64 = 10_000;

impl SetCache {
    /// A cache of at most `memory` bytes, which loads at most `loads` sets at a time.
    pub fn new(memory: u64, loads: usize) -> Self {
        // Three quarters for sets, a quarter for the ids of contacts.
        let ids = memory / 4;
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
            loads: Semaphore::new(loads.max(1)),
            tenant_loads: Cache::new(MAX_TENANTS),
        }
    }
}

async fn acquire(loads: &Semaphore) -> Result<SemaphorePermit<'_>> {
    let permit = loads.acquire().await;
    permit.map_err(|error| Error::Internal(error.into()))
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
        self.sets.get(&(tenant_id, key.clone())).await
    }

    /// Adds or replaces a set, if there is space for it.
    pub(super) async fn put(&self, tenant_id: TenantId, key: &SetKey, entry: &CacheEntry) {
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
        let load = async {
            let new = async { Arc::new(Semaphore::new(MAX_LOADS_PER_TENANT)) };
            let own = self.tenant_loads.get_with(tenant_id, new).await;
            let _tenant_permit = acquire(&own).await?;
            let _permit = acquire(&self.loads).await?;
            load.await
        };
        self.sets
            .try_get_with((tenant_id, key.clone()), load)
            .await
            .map_err(shared_error)
    }

    /// Returns the ids of a block of contacts from the cache, or loads them.
    pub(super) async fn ids(
        &self,
        tenant_id: TenantId,
        block: u32,
        load: impl Future<Output = Result<IdBlock>>,
    ) -> Result<IdBlock> {
        self.ids
            .try_get_with((tenant_id, block), load)
            .await
            .map_err(shared_error)
    }

    pub(super) async fn invalidate_ids(&self, tenant_id: TenantId, block: u32) {
        self.ids.invalidate(&(tenant_id, block)).await;
    }
}
