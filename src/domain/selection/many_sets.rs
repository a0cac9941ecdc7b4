//! Loads very many sets of a kind: single statements read many of them.

use super::set_reader::{Access, ENTRIES_AT_ONCE, SetReader};
use crate::{
    domain::{
        Result,
        cache::{CacheEntry, SetKey},
    },
    model::TenantId,
    store::{
        Connection,
        sets::{self, NumberedSets},
    },
};

/// A kind of sets, which are named by numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum ManySets {
    /// The members of groups.
    Members,
    /// The contacts of companies.
    OfCompany,
}

/// From how many missing sets on they are loaded together: below, callers share loads.
const MANY: usize = 8;

/// From how many sets on selections of a tenant wait for each other: to take them from the cache and
/// to bring them up to date takes about a millisecond.
const VERY_MANY: usize = 2_000;

/// Maximum number of sets that are loaded by one statement.
const SETS_PER_LOAD: usize = 1_000;

/// After how many loads the loaded sets are brought up to date, so that not too much of the log has
/// to be read.
const LOADS_PER_CATCH_UP: usize = 5;

impl ManySets {
    fn key(self, number: i32) -> SetKey {
        match self {
            Self::Members => SetKey::Members(number),
            Self::OfCompany => SetKey::OfCompany(number.cast_unsigned()),
        }
    }

    /// The first of these sets: at least one, and all of them if they are small.
    async fn load(
        self,
        conn: &mut Connection,
        tenant_id: TenantId,
        numbers: &[i32],
    ) -> Result<NumberedSets> {
        Ok(match self {
            Self::Members => sets::members_of_groups(conn, tenant_id, numbers).await?,
            Self::OfCompany => sets::contacts_of_companies(conn, tenant_id, numbers).await?,
        })
    }
}

impl SetReader<'_> {
    /// Loads sets at any revisions.
    pub(super) async fn load_many(
        &mut self,
        kind: ManySets,
        numbers: impl IntoIterator<Item = i32, IntoIter: ExactSizeIterator>,
    ) -> Result<()> {
        let numbers = numbers.into_iter();
        if numbers.len() >= VERY_MANY
            && self.large.is_none()
            && let Access::Pool(_) = self.access
        {
            let permit = self.domain.cache().large_selection_permit(self.tenant_id);
            self.large = Some(permit.await);
        }
        let mut missing = self.take_cached(kind, numbers).await;
        if missing.len() < MANY {
            for number in missing {
                self.load(kind.key(number)).await?;
            }
            return Ok(());
        }
        missing.sort_unstable();
        for round in 1.. {
            missing = self.load_first(kind, missing).await?;
            if missing.is_empty() {
                break;
            }
            if round % LOADS_PER_CATCH_UP == 0 {
                self.update().await?;
            }
        }
        Ok(())
    }

    /// Takes sets from the cache and returns those that are neither loaded nor cached.
    async fn take_cached(
        &mut self,
        kind: ManySets,
        numbers: impl IntoIterator<Item = i32>,
    ) -> Vec<i32> {
        let mut missing = Vec::new();
        for (at, number) in numbers.into_iter().enumerate() {
            let key = kind.key(number);
            if self.sets.is_loaded(&key) {
                continue;
            }
            match self.domain.cache().get(self.tenant_id, &key) {
                Some(entry) => drop(self.sets.entries.insert(key, entry)),
                None => missing.push(number),
            }
            if at % ENTRIES_AT_ONCE == ENTRIES_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        missing
    }

    /// Loads the first of these sets by one statement. Returns the others.
    async fn load_first(&mut self, kind: ManySets, mut numbers: Vec<i32>) -> Result<Vec<i32>> {
        let tenant_id = self.tenant_id;
        let others = numbers.split_off(numbers.len().min(SETS_PER_LOAD));
        let _permit = match self.access {
            Access::Pool(_) => Some(self.domain.cache().bulk_load_permit(tenant_id).await),
            Access::Transaction(_) => None,
        };
        // Another caller may have loaded them during the wait.
        let mut missing = self.take_cached(kind, numbers).await;
        if !missing.is_empty() {
            let load = async |conn: &mut _| kind.load(conn, tenant_id, &missing).await;
            let (commit, loaded) = match self.access {
                Access::Pool(_) if self.is_first => {
                    self.domain.read_via_replica(tenant_id, load).await?
                }
                Access::Pool(_) | Access::Transaction(_) => self.read(load).await?,
            };
            missing.retain(|number| !loaded.contains_key(number));
            for (number, set) in loaded {
                let (key, entry) = (kind.key(number), CacheEntry::set((commit, set)));
                self.domain.cache().put(tenant_id, &key, &entry);
                self.sets.entries.insert(key, entry);
            }
        }
        missing.extend(others);
        Ok(missing)
    }
}
