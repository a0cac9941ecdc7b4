//! Imports: many items, committed in chunks. An interrupted import can be continued.

mod items;
mod rejections;

pub(crate) use self::{
    items::Importable,
    rejections::{IndexedRejection, ItemRejection, RejectedName},
};
use super::upsert::ItemOutcome;
pub(crate) use crate::store::imports::{ImportProgress, ImportSource};
use crate::{
    domain::{Call, Domain, Error, ImportDifference, Precondition, Result},
    model::{RequestId, Revision},
    store::{self, Connection, Transaction},
};

/// Items as they were read: valid, or why not.
pub(crate) type ReadChunk<T> = Vec<Result<T, ItemRejection>>;

/// An import and its progress.
pub(crate) struct Import<T: Importable> {
    domain: Domain,
    call: Call,
    source: ImportSource,
    /// An import without an id cannot be continued.
    id: Option<RequestId>,
    /// Everything up to this point is committed.
    pub(crate) progress: ImportProgress,
    /// Whether it takes nothing more.
    pub(crate) finished: bool,
    /// Set if nothing is written.
    validated: Option<T::Validated>,
}

impl<T: Importable> Import<T> {
    /// A new import, or the one with this id.
    pub(crate) async fn open(
        domain: Domain,
        call: Call,
        id: Option<RequestId>,
        source: ImportSource,
    ) -> Result<Self> {
        let mut import = Self {
            domain,
            call,
            source,
            id,
            progress: ImportProgress::default(),
            finished: false,
            validated: None,
        };
        if let Some(id) = &import.id {
            let find = async |conn: &mut _, tenant_id| {
                Ok(store::imports::find(conn, tenant_id, id).await?)
            };
            if let Some(known) = import.domain.read_of(&import.call, find).await? {
                check_source(id, &known.source, &import.source)?;
                (import.progress, import.finished) = (known.progress, known.finished);
            }
        }
        Ok(import)
    }

    /// An import that writes nothing.
    pub(crate) fn validation(domain: Domain, call: Call, source: ImportSource) -> Self {
        Self {
            domain,
            call,
            source,
            id: None,
            progress: ImportProgress::default(),
            finished: false,
            validated: Some(T::Validated::default()),
        }
    }

    /// The next stored rejections of this import, from item `from` up to the present progress.
    pub(crate) async fn rejected(&self, from: i64) -> Result<Vec<IndexedRejection>> {
        let Some(id) = &self.id else {
            return Ok(Vec::new());
        };
        let read = async |conn: &mut Connection, tenant_id| {
            rejections::read(conn, tenant_id, id, from).await
        };
        let mut rejected = self.domain.read_of(&self.call, read).await?;
        rejected.retain(|(index, _)| *index < self.progress.processed_count);
        Ok(rejected)
    }

    /// Commits chunks together with the progress of the import. `describe` says why an item is
    /// refused.
    pub(crate) async fn commit(
        &mut self,
        chunks: Vec<ReadChunk<T>>,
        describe: fn(T::Refusal) -> ItemRejection,
    ) -> Result<Vec<IndexedRejection>> {
        let (valid, rejections) = split(chunks);
        let before = self.progress;
        let result = |outcomes, revision| {
            let before = ImportProgress { revision, ..before };
            ChunkResult::new(before, rejections, outcomes, describe)
        };
        let result = match &mut self.validated {
            Some(validated) => {
                let validate = async |conn: &mut Connection, tenant_id| {
                    T::validate(conn, tenant_id, validated, valid).await
                };
                let outcomes = self.domain.read_of(&self.call, validate).await?;
                result(outcomes, before.revision)
            }
            None => self.write(valid, result).await?,
        };
        self.progress = result.progress;
        Ok(result.rejected)
    }

    async fn write(
        &self,
        chunks: Vec<Vec<T>>,
        to_result: impl FnOnce(Vec<ItemOutcome<T::Refusal>>, Revision) -> ChunkResult,
    ) -> Result<ChunkResult> {
        let write = async |tx: &mut Transaction| {
            let outcomes = T::put(tx, chunks).await?;
            let result = to_result(outcomes, tx.revision_after());
            if let Some(id) = &self.id {
                self.advance(tx, id, result.progress, false).await?;
                rejections::keep(tx, id, &result.rejected).await?;
            }
            Ok(result)
        };
        let (result, _) = self.domain.write(&self.call, write).await?;
        Ok(result)
    }

    /// Finishes an import with an id, so that it takes nothing more.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        if let Some(id) = &self.id {
            let finish =
                async |tx: &mut Transaction| self.advance(tx, id, self.progress, true).await;
            self.domain.write(&self.call, finish).await?;
        }
        self.finished = true;
        Ok(())
    }

    async fn advance(
        &self,
        tx: &mut Transaction,
        id: &RequestId,
        progress: ImportProgress,
        finished: bool,
    ) -> Result<()> {
        let before = self.progress.processed_count;
        let advance = store::imports::advance(tx, id, &self.source, before, progress, finished);
        match advance.await? {
            0 => Err(Error::ImportOvertaken(id.clone())),
            _ => Ok(()),
        }
    }
}

/// Refuses to continue an import that was started with something else.
fn check_source(id: &RequestId, known: &ImportSource, source: &ImportSource) -> Result<()> {
    let difference = if known.kind != source.kind {
        ImportDifference::Kind
    } else if !known.fingerprint.is_empty() && known.fingerprint != source.fingerprint {
        ImportDifference::Fingerprint
    } else if known.update_mask != source.update_mask {
        ImportDifference::Fields
    } else {
        return Ok(());
    };
    let id = id.clone();
    Err(Error::Precondition(Precondition::ImportIdReused {
        id,
        difference,
    }))
}

/// The valid items of each chunk; and of all items in order, why they are invalid.
fn split<T>(chunks: Vec<ReadChunk<T>>) -> (Vec<Vec<T>>, Vec<Option<ItemRejection>>) {
    let mut rejections = Vec::new();
    let mut valid = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let mut items = Vec::with_capacity(chunk.len());
        for item in chunk {
            rejections.push(item.map(|item| items.push(item)).err());
        }
        valid.push(items);
    }
    (valid, rejections)
}

/// The result of chunks: the totals after them, and their rejected items.
#[derive(Debug)]
struct ChunkResult {
    progress: ImportProgress,
    rejected: Vec<IndexedRejection>,
}

impl ChunkResult {
    /// Counts the items; those without a rejection have these outcomes.
    fn new<R>(
        mut progress: ImportProgress,
        rejections: Vec<Option<ItemRejection>>,
        outcomes: Vec<ItemOutcome<R>>,
        describe: fn(R) -> ItemRejection,
    ) -> Self {
        let (mut outcomes, mut rejected) = (outcomes.into_iter(), Vec::new());
        for rejection in rejections {
            let rejection = match rejection {
                None => outcomes
                    .next()
                    .and_then(|it| progress.count(it))
                    .map(describe),
                rejection => rejection,
            };
            if let Some(rejection) = rejection {
                progress.rejected_count += 1;
                rejected.push((progress.processed_count, rejection));
            }
            progress.processed_count += 1;
        }
        Self { progress, rejected }
    }
}

impl ImportProgress {
    /// Items that changed nothing.
    pub(crate) fn unchanged_count(&self) -> i64 {
        self.processed_count - self.created_count - self.updated_count - self.rejected_count
    }

    /// Counts an item that was not rejected; returns why it was refused.
    fn count<R>(&mut self, outcome: ItemOutcome<R>) -> Option<R> {
        match outcome {
            ItemOutcome::Created => self.created_count += 1,
            ItemOutcome::Updated => self.updated_count += 1,
            ItemOutcome::Superseded => self.superseded_count += 1,
            ItemOutcome::Unchanged => {}
            ItemOutcome::Refused(refusal) => return Some(refusal),
        }
        None
    }
}
