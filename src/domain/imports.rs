//! Imports: many items, committed in chunks. An interrupted import can be continued.

use super::{
    memberships,
    upsert::{UpsertOutcome, upsert},
};
pub(crate) use crate::store::imports::{ImportProgress, StoredRejection};
use crate::{
    domain::{BrokenRule, Call, Domain, Error, Result},
    model::{Assignment, AssignmentOutcome, ImportKind, NewContact, RequestId, Revision},
    store::{self, Transaction},
};

/// An import and its progress.
pub(crate) struct Import {
    domain: Domain,
    call: Call,
    kind: ImportKind,
    /// An import without an id cannot be continued.
    id: Option<RequestId>,
    /// Everything up to this point is committed.
    pub(crate) progress: ImportProgress,
}

/// The result of a chunk: the totals after it, and its rejected items.
#[derive(Debug)]
pub(crate) struct ChunkResult {
    pub(crate) progress: ImportProgress,
    pub(crate) rejected: Vec<StoredRejection>,
}

impl Import {
    /// An import without progress.
    pub(crate) fn new(domain: Domain, call: Call, kind: ImportKind) -> Self {
        Self {
            domain,
            call,
            kind,
            id: None,
            progress: ImportProgress::default(),
        }
    }

    /// Sets the id, and continues the import that already has it.
    pub(crate) async fn resume(&mut self, id: RequestId) -> Result<()> {
        let find =
            async |conn: &mut _, tenant_id| Ok(store::imports::find(conn, tenant_id, &id).await?);
        let known = self.domain.read_of(&self.call, find).await?;
        if let Some((kind, progress)) = known {
            if kind != self.kind {
                return Err(BrokenRule::ImportKindDiffers.into());
            }
            self.progress = progress;
        }
        self.id = Some(id);
        Ok(())
    }

    /// The next stored rejections of this import, from item `from` up to the present progress.
    pub(crate) async fn rejected(&self, from: i64) -> Result<Vec<StoredRejection>> {
        let Some(id) = &self.id else {
            return Ok(Vec::new());
        };
        let read = async |conn: &mut _, tenant_id| {
            Ok(store::imports::rejections(conn, tenant_id, id, from).await?)
        };
        let mut rejected = self.domain.read_of(&self.call, read).await?;
        rejected.retain(|(index, _)| *index < self.progress.processed_count);
        Ok(rejected)
    }

    /// Commits contacts; `to_result` converts the outcomes.
    pub(crate) async fn put_contacts(
        &mut self,
        items: &[NewContact],
        to_result: impl FnOnce(Vec<UpsertOutcome>, Revision) -> ChunkResult,
    ) -> Result<Vec<StoredRejection>> {
        let put = async |tx: &mut Transaction| upsert(tx, items).await;
        self.commit(put, to_result).await
    }

    /// Commits memberships; `to_result` converts the outcomes.
    pub(crate) async fn assign(
        &mut self,
        items: &[Assignment],
        to_result: impl FnOnce(Vec<AssignmentOutcome>, Revision) -> ChunkResult,
    ) -> Result<Vec<StoredRejection>> {
        let assign = async |tx: &mut Transaction| memberships::assign_in(tx, items).await;
        self.commit(assign, to_result).await
    }

    /// Commits a chunk together with the progress of the import.
    async fn commit<T>(
        &mut self,
        op: impl AsyncFnOnce(&mut Transaction) -> Result<T>,
        to_result: impl FnOnce(T, Revision) -> ChunkResult,
    ) -> Result<Vec<StoredRejection>> {
        let (id, kind, before) = (&self.id, self.kind, self.progress.processed_count);
        let write = async |tx: &mut Transaction| {
            let outcomes = op(tx).await?;
            let result = to_result(outcomes, tx.revision_after());
            if let Some(id) = id {
                if store::imports::advance(tx, id, kind, before, result.progress).await? == 0 {
                    return Err(Error::ImportOvertaken(id.clone()));
                }
                if !result.rejected.is_empty() {
                    store::imports::insert_rejections(tx, id, result.rejected.clone()).await?;
                }
            }
            Ok(result)
        };
        let (result, _) = self.domain.write(&self.call, write).await?;
        self.progress = result.progress;
        Ok(result.rejected)
    }
}
