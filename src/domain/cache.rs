//! The leaves of selections, kept in memory.
//!
//! A leaf is read from the database once and then brought up to date on use, from the change
//! log: so an answer is exact at a revision that is not older than the call, on every replica,
//! with no message between them and no work in the background.

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

/// A bounded store of leaves, the least recently used of which make room.
pub struct SetCache {
    sets: Cache<(TenantId, SetKey), CacheEntry>,
    ids: Cache<(TenantId, u32), IdBlock>,
    /// Who may read leaves: not so many that nobody else gets a connection.
    loads: Semaphore,
    /// Who may read leaves of a tenant: not so many that other tenants have to wait.
    tenant_loads: Cache<TenantId, Arc<Semaphore>>,
}

/// How many leaves of one tenant are read at a time.
const MAX_LOADS_PER_TENANT: usize = 2;

/// How many tenants that read leaves are kept in mind.
const MAX_TENANTS: u64 = 10_000;

impl SetCache {
    /// An index of at most `memory` bytes, which reads at most `loads` leaves at a time.
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

/// A failure that several callers share, who waited for one reading.
fn shared_error(error: Arc<Error>) -> Error {
    match &*error {
        Error::Unavailable(_) => Error::Unavailable(error.into()),
        _ => Error::Internal(error.into()),
    }
}

impl SetCache {
    /// A leaf, if it is in memory.
    pub(super) async fn get(&self, tenant_id: TenantId, key: &SetKey) -> Option<CacheEntry> {
        self.sets.get(&(tenant_id, key.clone())).await
    }

    /// Keeps a leaf, if there is room for it.
    pub(super) async fn put(&self, tenant_id: TenantId, key: &SetKey, entry: &CacheEntry) {
        self.sets
            .insert((tenant_id, key.clone()), entry.clone())
            .await;
    }

    /// Forgets a leaf.
    pub(super) async fn invalidate(&self, tenant_id: TenantId, key: &SetKey) {
        self.sets.invalidate(&(tenant_id, key.clone())).await;
    }

    /// A leaf, from memory or by reading it. Callers who miss the same leaf at one time wait for
    /// one of them to read it.
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

    /// The ids of a block of contacts, from memory or by reading them.
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

    /// Forgets a block of ids.
    pub(super) async fn invalidate_ids(&self, tenant_id: TenantId, block: u32) {
        self.ids.invalidate(&(tenant_id, block)).await;
    }
}
