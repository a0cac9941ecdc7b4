//! A cache of bounded memory that tenants share.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::model::TenantId;

/// Keeps what was used last. If there is no space for more, the tenant that has most gives up what it
/// has not used for longest: so a tenant that has no more than an equal part loses nothing to others.
#[derive(Clone)]
pub(super) struct TenantLru<K, V>(Arc<Mutex<LruState<K, V>>>);

struct LruState<K, V> {
    max_bytes: u64,
    bytes: u64,
    tenants: HashMap<TenantId, TenantEntries<K, V>>,
    /// The tenants by what they have, in bytes.
    by_bytes: BTreeSet<(u64, TenantId)>,
    /// Grows with each use.
    uses: u64,
}

/// What is kept of a tenant.
struct TenantEntries<K, V> {
    bytes: u64,
    entries: HashMap<K, LruEntry<V>>,
    /// The keys by their last use.
    by_use: BTreeMap<u64, K>,
}

struct LruEntry<V> {
    value: V,
    bytes: u64,
    last_use: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> TenantLru<K, V> {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self(Arc::new(Mutex::new(LruState {
            max_bytes,
            bytes: 0,
            tenants: HashMap::new(),
            by_bytes: BTreeSet::new(),
            uses: 0,
        })))
    }

    pub(super) fn get(&self, tenant_id: TenantId, key: &K) -> Option<V> {
        let mut state = self.lock();
        let now = state.next_use();
        let kept = state.tenants.get_mut(&tenant_id)?;
        let entry = kept.entries.get_mut(key)?;
        let key = kept.by_use.remove(&entry.last_use)?;
        entry.last_use = now;
        let value = entry.value.clone();
        kept.by_use.insert(now, key);
        Some(value)
    }

    /// Adds or replaces a value of so many bytes.
    pub(super) fn insert(&self, tenant_id: TenantId, key: K, value: V, bytes: u32) {
        let mut state = self.lock();
        let mut dropped = vec![state.remove(tenant_id, &key)];
        if u64::from(bytes) <= state.max_bytes {
            state.insert(tenant_id, key, value, bytes.into());
        }
        while state.bytes > state.max_bytes {
            dropped.push(state.evict());
        }
        // Values are dropped after the lock.
        drop(state);
    }

    pub(super) fn remove(&self, tenant_id: TenantId, key: &K) {
        let removed = self.lock().remove(tenant_id, key);
        drop(removed);
    }

    /// What is kept, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// How many values are kept.
    pub(super) fn len(&self) -> u64 {
        let entries = |kept: &TenantEntries<K, V>| kept.entries.len() as u64;
        self.lock().tenants.values().map(entries).sum()
    }

    pub(super) fn max_bytes(&self) -> u64 {
        self.lock().max_bytes
    }

    fn lock(&self) -> MutexGuard<'_, LruState<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V> LruState<K, V> {
    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    fn insert(&mut self, tenant_id: TenantId, key: K, value: V, bytes: u64) {
        let last_use = self.next_use();
        self.bytes += bytes;
        let kept = self
            .tenants
            .entry(tenant_id)
            .or_insert_with(|| TenantEntries {
                bytes: 0,
                entries: HashMap::new(),
                by_use: BTreeMap::new(),
            });
        self.by_bytes.remove(&(kept.bytes, tenant_id));
        kept.bytes += bytes;
        self.by_bytes.insert((kept.bytes, tenant_id));
        kept.by_use.insert(last_use, key.clone());
        let entry = LruEntry {
            value,
            bytes,
            last_use,
        };
        kept.entries.insert(key, entry);
    }

    fn remove(&mut self, tenant_id: TenantId, key: &K) -> Option<V> {
        let kept = self.tenants.get_mut(&tenant_id)?;
        let entry = kept.entries.remove(key)?;
        kept.by_use.remove(&entry.last_use);
        self.by_bytes.remove(&(kept.bytes, tenant_id));
        kept.bytes -= entry.bytes;
        self.bytes -= entry.bytes;
        if kept.entries.is_empty() {
            self.tenants.remove(&tenant_id);
        } else {
            self.by_bytes.insert((kept.bytes, tenant_id));
        }
        Some(entry.value)
    }

    /// Removes what the tenant that has most has not used for longest.
    fn evict(&mut self) -> Option<V> {
        let (_, tenant_id) = *self.by_bytes.last()?;
        let (_, key) = self.tenants.get(&tenant_id)?.by_use.first_key_value()?;
        let key = key.clone();
        self.remove(tenant_id, &key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(cache: &TenantLru<u32, ()>, tenant_id: TenantId, keys: &[u32]) -> Vec<bool> {
        let kept = keys.iter().map(|key| cache.get(tenant_id, key).is_some());
        kept.collect()
    }

    #[test]
    fn what_was_used_last_is_kept() {
        let cache = TenantLru::new(30);
        for key in 1..=3 {
            cache.insert(1, key, (), 10);
        }
        cache.get(1, &1);
        cache.insert(1, 4, (), 10);
        assert_eq!(has(&cache, 1, &[1, 2, 3, 4]), [true, false, true, true]);
        cache.insert(1, 5, (), 31);
        assert_eq!(has(&cache, 1, &[1, 3, 4, 5]), [true, true, true, false]);
        cache.insert(1, 1, (), 30);
        assert_eq!(has(&cache, 1, &[1, 3, 4]), [true, false, false]);
        cache.remove(1, &1);
        let state = cache.lock();
        assert!(state.tenants.is_empty() && state.by_bytes.is_empty() && state.bytes == 0);
    }

    #[test]
    fn a_tenant_that_has_most_gives_way() {
        let cache = TenantLru::new(100);
        for key in 1..=4 {
            cache.insert(1, key, (), 10);
        }
        for key in 1..=100 {
            cache.insert(2, key, (), 10);
        }
        assert_eq!(has(&cache, 1, &[1, 2, 3, 4]), [true; 4]);
        assert_eq!(has(&cache, 2, &[94, 95, 100]), [false, true, true]);
        for key in 5..=8 {
            cache.insert(1, key, (), 10);
        }
        assert_eq!(has(&cache, 1, &[1, 8]), [false, true]);
        assert_eq!(has(&cache, 2, &[96, 97, 100]), [false, true, true]);
    }
}
