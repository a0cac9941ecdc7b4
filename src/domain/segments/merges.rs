//! Deleted and merged contacts in stored sets. The sets are not rewritten when a contact is deleted
//! or merged: numbers are never reused, and merges are recorded in a table.

use std::{collections::HashMap, sync::Arc};

use crate::{
    domain::{Error, Precondition, Result},
    model::{Change, Contact, ContactSet, TenantId},
    store::{self, Connection, Transaction, segments::merges},
};

/// Maximum number of segments that an error names.
const MAX_NAMED_SEGMENTS: usize = 20;

/// Resolves the numbers in stored sets: an existing contact to itself, a merged contact to the kept one,
/// a deleted contact to none.
pub(super) struct MergeMap {
    everyone: Arc<ContactSet>,
    kept_by_merged: HashMap<u32, u32>,
}

impl MergeMap {
    /// Reads the merges that concern these sets.
    pub(super) async fn read(
        conn: &mut Connection,
        tenant_id: TenantId,
        everyone: &Arc<ContactSet>,
        sets: &[&ContactSet],
    ) -> Result<Self> {
        let mut gone = ContactSet::new();
        for set in sets {
            gone |= *set - &**everyone;
        }
        let pairs = match gone.is_empty() {
            true => Vec::new(),
            false => merges::of(conn, tenant_id, &gone).await?,
        };
        Ok(Self {
            everyone: Arc::clone(everyone),
            kept_by_merged: pairs.into_iter().collect(),
        })
    }

    /// The existing contacts of a stored set.
    pub(super) fn resolve(&self, stored: &ContactSet) -> ContactSet {
        let mut members = stored & &*self.everyone;
        for (merged, kept) in &self.kept_by_merged {
            if stored.contains(*merged) {
                members.insert(*kept);
            }
        }
        members
    }

    /// The numbers in a stored set that resolve to any of these contacts.
    pub(super) fn stored_numbers(&self, stored: &ContactSet, members: &ContactSet) -> ContactSet {
        let mut numbers = stored & members;
        for (merged, kept) in &self.kept_by_merged {
            if stored.contains(*merged) && members.contains(*kept) {
                numbers.insert(*merged);
            }
        }
        numbers
    }

    /// The numbers in a stored set that resolve to no contact.
    pub(super) fn dangling(&self, stored: &ContactSet) -> ContactSet {
        let mut gone = stored - &*self.everyone;
        for merged in self.kept_by_merged.keys() {
            gone.remove(*merged);
        }
        gone
    }
}

/// Refuses a contact that is on a segment.
pub(in crate::domain) async fn require_on_no_segment(
    tx: &mut Transaction,
    contact: &Contact,
) -> Result<()> {
    let tenant_id = tx.tenant_id();
    let aliases = merges::aliases(tx, tenant_id, contact.contact_number).await?;
    let holding = store::segments::holding(tx, tenant_id, &aliases).await?;
    if holding.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(holding.len()).unwrap_or(i64::MAX);
    let segments = holding
        .into_iter()
        .take(MAX_NAMED_SEGMENTS)
        .map(|(_, id)| id)
        .collect();
    Err(Error::Precondition(Precondition::ContactOnSegments {
        id: contact.id.clone(),
        count,
        segments,
    }))
}

/// Replaces a merged contact by the kept one on all segments, in their history and in saved criteria.
pub(in crate::domain) async fn redirect_merged(
    tx: &mut Transaction,
    merged: &Contact,
    kept: &Contact,
) -> Result<()> {
    let tenant_id = tx.tenant_id();
    let aliases = merges::aliases(tx, tenant_id, merged.contact_number).await?;
    let holding = store::segments::holding(tx, tenant_id, &aliases).await?;
    merges::redirect(tx, merged.contact_number, kept.contact_number).await?;
    store::contacts::free_ids(tx, &[&merged.id]).await?;
    merges::insert(tx, merged, kept.contact_number).await?;
    let numbers: Vec<i32> = holding.iter().map(|(number, _)| *number).collect();
    if !numbers.is_empty() {
        store::segments::touch(tx, &numbers).await?;
    }
    for (number, id) in holding {
        tx.log(Change::SegmentUpdated(number, id));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_contacts_resolve_to_the_kept_one_and_deleted_ones_to_none() {
        let set = |numbers: &[u32]| numbers.iter().copied().collect::<ContactSet>();
        let merges = MergeMap {
            everyone: Arc::new(set(&[1, 2, 3])),
            kept_by_merged: HashMap::from([(7, 2), (8, 2)]),
        };
        let stored = set(&[1, 7, 8, 9]);
        assert_eq!(merges.resolve(&stored), set(&[1, 2]));
        assert_eq!(merges.stored_numbers(&stored, &set(&[2])), set(&[7, 8]));
        assert_eq!(merges.dangling(&stored), set(&[9]));
    }
}
