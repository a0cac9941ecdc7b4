//! The leaves of one selection, all brought to one revision.

use std::{collections::HashMap, sync::Arc};

use crate::{
    domain::{
        Domain, Result,
        index::{Companies, Entry, Groups, Key, Leaf},
    },
    model::{ContactSet, Revision, SegmentId, TenantId},
    store::{
        Transaction,
        log::{LogFilter, LogTail, changes_since},
    },
};

/// How the database is reached.
pub(super) enum Access<'a> {
    /// By connections of the pool, none of which is held while another caller reads a leaf.
    Pool,
    /// By the connection of a transaction, which holds the tenant's clock.
    Own(&'a mut Transaction),
}

/// Gathers leaves.
pub(super) struct Reader<'a> {
    pub(super) domain: &'a Domain,
    pub(super) tenant_id: TenantId,
    pub(super) access: Access<'a>,
    /// A segment that is to be taken for what it is here, not for what is stored.
    pub(super) own: Option<(SegmentId, Arc<ContactSet>)>,
    leaves: HashMap<Key, Entry>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(domain: &'a Domain, tenant_id: TenantId, access: Access<'a>) -> Self {
        Reader {
            domain,
            tenant_id,
            access,
            own: None,
            leaves: HashMap::new(),
        }
    }

    /// Makes sure of a leaf, at whatever revision it is true.
    pub(super) async fn want(&mut self, key: Key) -> Result<()> {
        if !self.leaves.contains_key(&key) {
            let entry = self.fetch(&key).await?;
            self.leaves.insert(key, entry);
        }
        Ok(())
    }

    /// Whether a leaf was gathered.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.leaves.contains_key(key)
    }

    async fn fetch(&mut self, key: &Key) -> Result<Entry> {
        let (domain, tenant_id) = (self.domain, self.tenant_id);
        let index = domain.index();
        match &mut self.access {
            Access::Pool => {
                let load = domain.read(async |conn| Entry::load(conn, tenant_id, key).await);
                index.get_or_load(tenant_id, key, load).await
            }
            Access::Own(tx) => match index.get(tenant_id, key).await {
                Some(entry) => Ok(entry),
                None => {
                    let entry = Entry::load(tx, tenant_id, key).await?;
                    index.put(tenant_id, key, &entry).await;
                    Ok(entry)
                }
            },
        }
    }

    /// Brings all leaves to the present revision, and answers it. `None` if that could not be
    /// done for all of them.
    pub(super) async fn catch_up(&mut self) -> Result<Option<Revision>> {
        let since = self
            .leaves
            .values()
            .map(|entry| entry.revision)
            .min()
            .unwrap_or(0);
        let tail = self.changes_since(since).await?;
        let mut stale = Vec::new();
        let mut level = true;
        for (key, entry) in &mut self.leaves {
            let before = entry.revision;
            if !entry.catch_up(key, &tail) {
                stale.push(key.clone());
            } else if entry.revision > before {
                self.domain.index().put(self.tenant_id, key, entry).await;
            }
            level &= entry.revision == tail.revision;
        }
        for key in &stale {
            self.leaves.remove(key);
            self.domain.index().forget(self.tenant_id, key).await;
        }
        Ok((stale.is_empty() && level).then_some(tail.revision))
    }

    async fn changes_since(&mut self, since: Revision) -> Result<LogTail> {
        let mut filter = LogFilter::default();
        self.leaves
            .keys()
            .for_each(|key| key.extend_filter(&mut filter));
        let tenant_id = self.tenant_id;
        match &mut self.access {
            Access::Pool => {
                let read =
                    async |conn: &mut _| Ok(changes_since(conn, tenant_id, since, &filter).await?);
                self.domain.read(read).await
            }
            Access::Own(tx) => Ok(changes_since(tx, tenant_id, since, &filter).await?),
        }
    }

    /// A set that was gathered; empty if it was not.
    pub(super) fn set(&self, key: &Key) -> Arc<ContactSet> {
        match self.leaves.get(key) {
            Some(Entry {
                leaf: Leaf::Set(set),
                ..
            }) => Arc::clone(set),
            _ => Arc::default(),
        }
    }

    /// Whether there is what the key names.
    pub(super) fn exists(&self, key: &Key) -> bool {
        self.leaves
            .get(key)
            .is_some_and(|entry| !matches!(entry.leaf, Leaf::Nothing))
    }

    /// The groups that were gathered.
    pub(super) fn groups(&self) -> Arc<Groups> {
        match self.leaves.get(&Key::Groups) {
            Some(Entry {
                leaf: Leaf::Groups(groups),
                ..
            }) => Arc::clone(groups),
            _ => Arc::default(),
        }
    }

    /// The companies that were gathered.
    pub(super) fn companies(&self) -> Arc<Companies> {
        match self.leaves.get(&Key::CompanyOf) {
            Some(Entry {
                leaf: Leaf::Companies(companies),
                ..
            }) => Arc::clone(companies),
            _ => Arc::default(),
        }
    }
}
