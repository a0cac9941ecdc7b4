//! What stored sets mean now.

use std::{collections::HashMap, sync::Arc};

use crate::{
    domain::{Result, selection::Population},
    model::{ContactSet, TenantId},
    store::{self, Connection},
};

/// Which contacts the numbers in stored sets mean: contacts that exist mean themselves, those that were
/// merged mean the one that was kept, all others mean nobody.
pub(super) struct MergeMap {
    everyone: Arc<ContactSet>,
    kept_by_merged: HashMap<u32, u32>,
}

impl MergeMap {
    /// Reads what the numbers in these sets mean.
    pub(super) async fn read(
        conn: &mut Connection,
        tenant_id: TenantId,
        population: &Population,
        sets: &[&ContactSet],
    ) -> Result<Self> {
        let everyone = Arc::clone(&population.everyone);
        let mut gone = ContactSet::new();
        for set in sets {
            gone |= *set - &*everyone;
        }
        let pairs = match gone.is_empty() {
            true => Vec::new(),
            false => store::segments::merges::of(conn, tenant_id, &gone).await?,
        };
        Ok(Self {
            everyone,
            kept_by_merged: pairs.into_iter().collect(),
        })
    }

    /// The contacts that a stored set means.
    pub(super) fn resolve(&self, stored: &ContactSet) -> ContactSet {
        let mut members = stored & &*self.everyone;
        for (merged, kept) in &self.kept_by_merged {
            if stored.contains(*merged) {
                members.insert(*kept);
            }
        }
        members
    }

    /// The numbers in a stored set that mean any of these contacts.
    pub(super) fn stored_numbers(&self, stored: &ContactSet, members: &ContactSet) -> ContactSet {
        let mut numbers = stored & members;
        for (merged, kept) in &self.kept_by_merged {
            if stored.contains(*merged) && members.contains(*kept) {
                numbers.insert(*merged);
            }
        }
        numbers
    }

    /// The numbers in a stored set that mean nobody.
    pub(super) fn dangling(&self, stored: &ContactSet) -> ContactSet {
        let mut gone = stored - &*self.everyone;
        for merged in self.kept_by_merged.keys() {
            gone.remove(*merged);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_contacts_mean_the_kept_one_and_deleted_ones_nobody() {
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
