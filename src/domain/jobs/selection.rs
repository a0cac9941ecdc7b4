//! Finding out what has changed since sets were read.

use std::sync::Arc;

use crate::{
    domain::{Result, batch::BatchOperation, cache::IndexedTail, database::Database},
    model::{Commit, TenantId, TenantName},
    store::{
        Connection,
        log::{LogFilter, LogTail, bounds, changes_since},
    },
};

/// Sets of a tenant, as they were read.
#[derive(PartialEq)]
pub(in crate::domain) struct KnownSets {
    pub(in crate::domain) tenant_id: TenantId,
    /// The commits that they are of.
    pub(in crate::domain) commits: Vec<Commit>,
    /// The changes that affect them.
    pub(in crate::domain) filter: LogFilter,
}

/// For up to how many different items a batch reads the changes, one after the other. With more it reads
/// only whether anything has changed; if so, each caller reads its changes by itself.
const MAX_DIFFERENT: usize = 4;

/// Reads the changes since sets were read. Concurrent selections of a tenant share one read of the log: they
/// are often of the same sets, and mostly nothing has changed.
pub(in crate::domain) struct CatchUp(pub(in crate::domain) Database);

impl BatchOperation for CatchUp {
    type Item = KnownSets;
    /// `None`: something has changed.
    type Output = Option<Arc<IndexedTail>>;

    async fn run(&self, _: &TenantName, items: &[KnownSets]) -> Result<Vec<Result<Self::Output>>> {
        let Some(first) = items.first() else {
            return Ok(Vec::new());
        };
        let tenant_id = first.tenant_id;
        let different = different(items);
        let read = async |conn: &mut _| match different.len() <= MAX_DIFFERENT {
            true => read_each(conn, items, &different).await,
            false => {
                let (head, _) = bounds(conn, tenant_id).await?;
                let tail = Arc::new(IndexedTail::new(LogTail::unchanged(head)));
                let unchanged = |sets: &KnownSets| {
                    sets.tenant_id == tenant_id && sets.commits.iter().all(|it| *it == head)
                };
                let tail = |sets| unchanged(sets).then(|| Arc::clone(&tail));
                Ok(items.iter().map(|sets| Ok(tail(sets))).collect())
            }
        };
        self.0.read(tenant_id, read).await
    }
}

/// The different ones, a few more than [`MAX_DIFFERENT`] at most.
fn different(items: &[KnownSets]) -> Vec<&KnownSets> {
    let mut different: Vec<&KnownSets> = Vec::new();
    for sets in items {
        if different.len() <= MAX_DIFFERENT && !different.contains(&sets) {
            different.push(sets);
        }
    }
    different
}

async fn read_each(
    conn: &mut Connection,
    items: &[KnownSets],
    different: &[&KnownSets],
) -> Result<Vec<Result<Option<Arc<IndexedTail>>>>> {
    let mut tails = Vec::new();
    for sets in different {
        let tail = changes_since(conn, sets.tenant_id, &sets.commits, &sets.filter).await?;
        tails.push((*sets, Arc::new(IndexedTail::new(tail))));
    }
    let of = |sets: &KnownSets| tails.iter().find(|(it, _)| *it == sets);
    let tail = |sets| of(sets).map(|(_, tail)| Arc::clone(tail));
    Ok(items.iter().map(|sets| Ok(tail(sets))).collect())
}
