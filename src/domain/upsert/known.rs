//! Contacts that a batch names.

use std::collections::{HashMap, HashSet};

use crate::{
    domain::{Result, lookup},
    model::{Contact, ContactId, TenantId},
    store::{self, Connection},
};

/// Contacts that were looked up, existing or not. Each is read once.
#[derive(Default)]
pub(in crate::domain) struct KnownContacts {
    pub(super) contacts: HashMap<ContactId, Option<Contact>>,
    /// The ids of merged contacts among them, and those of the contacts that replace them.
    pub(super) merged: HashMap<ContactId, ContactId>,
}

impl KnownContacts {
    /// Reads the contacts that were not looked up before.
    pub(in crate::domain) async fn read(
        &mut self,
        conn: &mut Connection,
        tenant_id: TenantId,
        ids: impl Iterator<Item = &ContactId>,
    ) -> Result<()> {
        let is_new = |id: &&ContactId| !self.contacts.contains_key(*id);
        let mut missing: Vec<&ContactId> = ids.filter(is_new).collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let found = store::contacts::find_all(conn, tenant_id, &missing).await?;
        self.contacts
            .extend(missing.into_iter().map(|id| (id.clone(), None)));
        self.contacts
            .extend(found.into_iter().map(|it| (it.id.clone(), Some(it))));
        Ok(())
    }

    /// Reads into what those contacts were merged that do not exist.
    pub(in crate::domain) async fn read_merged(
        &mut self,
        conn: &mut Connection,
        tenant_id: TenantId,
        ids: impl Iterator<Item = &ContactId>,
    ) -> Result<()> {
        let missing: HashSet<_> = ids.filter(|id| self.get(id).is_none()).collect();
        let merged = lookup::merged(conn, tenant_id, missing).await?;
        self.merged.extend(merged);
        Ok(())
    }

    /// The contact with this id, if it exists.
    pub(in crate::domain) fn get(&self, id: &ContactId) -> Option<&Contact> {
        self.contacts.get(id)?.as_ref()
    }

    /// The contact that this one was merged into.
    pub(in crate::domain) fn merged_into(&self, id: &ContactId) -> Option<&ContactId> {
        self.merged.get(id)
    }
}
