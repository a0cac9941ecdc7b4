//! Natural batching: concurrent calls of one kind and tenant are queued while a batch is in flight
//! and run together as the next batch.
//!
//! There are no timers: a call that finds nothing in flight runs at once, alone. Each call gets its
//! own result, independent of the other items: an item whose caller is gone before the batch starts is
//! left out, a caller that goes later changes nothing, and a batch that fails because of an item is run
//! again in halves until the failing item is alone. If it fails for another reason, all its calls do.
//!
//! Limits per tenant: a bounded queue for each kind of call, and one batch in flight per queue. A
//! semaphore bounds the batches in flight of all tenants, first come first served. A tenant without
//! calls has no queue.

mod queues;
#[cfg(test)]
mod tests;

use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use futures_util::FutureExt;
use metrics::Histogram;
use tokio::sync::{Semaphore, oneshot};
use tracing::Instrument;

use self::queues::{PendingBatch, QueuedItem, Queues};
use super::{Error, Result};
use crate::{metrics::BATCH_ITEMS, model::TenantName, telemetry::current_span};

/// Maximum number of items of one batch: enough that the fixed cost of a transaction is negligible,
/// and few enough that it ends soon.
pub(super) const MAX_ITEMS: usize = 1_000;

/// Maximum length of a queue; further calls are rejected. More than the server handles of a tenant at a
/// time, by default.
pub(super) const MAX_QUEUED: usize = 4_000;

/// What the calls of one kind do together.
pub(super) trait BatchOperation: Send + Sync + 'static {
    /// The input of one call.
    type Item: Send + Sync + 'static;
    /// Its result.
    type Output: Send + 'static;

    /// Maximum number of items of one batch.
    const MAX_ITEMS: usize = MAX_ITEMS;

    /// Runs all items, all or nothing, and returns one result per item, in order. A result can be an
    /// error that concerns its item alone.
    fn run(
        &self,
        tenant: &TenantName,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Result<Self::Output>>>> + Send;

    /// Keys that keep conflicting items out of one batch.
    fn conflict_keys(_: &Self::Item) -> ConflictKeys<'_> {
        ConflictKeys::default()
    }
}

/// The keys of an item. If two items have a key in common, and it is exclusive for one of them, the
/// later item waits for the next batch.
#[derive(Debug, Default)]
pub(super) struct ConflictKeys<'a> {
    pub(super) exclusive: Option<&'a str>,
    pub(super) shared: Option<&'a str>,
}

/// Batches of the calls of one kind.
pub(super) struct Batcher<O: BatchOperation> {
    queues: Arc<Queues<O>>,
    sizes: Histogram,
    /// One permit per batch in flight; fair.
    permits: Arc<Semaphore>,
}

impl<O: BatchOperation> Clone for Batcher<O> {
    fn clone(&self) -> Self {
        Self {
            queues: Arc::clone(&self.queues),
            sizes: self.sizes.clone(),
            permits: Arc::clone(&self.permits),
        }
    }
}

impl<O: BatchOperation> Batcher<O> {
    /// A batcher with these limits, which the metrics name like this; `permits` can be shared with other batchers.
    pub(super) fn new(name: &str, permits: Arc<Semaphore>, max_queued: usize) -> Self {
        Self {
            queues: Arc::new(Queues::new(max_queued)),
            sizes: BATCH_ITEMS.histogram(&[name]),
            permits,
        }
    }

    /// The items of all tenants that wait for their batch.
    pub(super) fn queued(&self) -> usize {
        self.queues.items()
    }

    /// Runs an item in a batch, perhaps alone. `operation` is called if the tenant has no queue yet.
    ///
    /// # Errors
    ///
    /// The error of the item; [`Error::Overloaded`] at once if the queue is full.
    pub(super) async fn run(
        &self,
        tenant: &TenantName,
        item: O::Item,
        operation: impl FnOnce() -> O,
    ) -> Result<O::Output> {
        let (answer, outcome) = oneshot::channel();
        let span = current_span();
        let queued = QueuedItem { item, answer, span };
        let is_first = self.queues.push(tenant, queued)?;
        if is_first {
            // A separate task, so that a cancelled caller does not cancel the others.
            tokio::spawn(serve(self.clone(), tenant.clone(), operation()));
        }
        // A batch answers all of its callers, unless the program ends.
        outcome.await.unwrap_or(Err(Error::ShuttingDown))
    }
}

/// Runs batches until the queue is empty.
async fn serve<O: BatchOperation>(batcher: Batcher<O>, tenant: TenantName, operation: O) {
    let Batcher {
        queues,
        sizes,
        permits,
    } = batcher;
    while queues.has_items(&tenant) {
        let permit = permits.acquire().await;
        // Taken only now, so that items that arrived during the wait are included.
        let batch = queues.take(&tenant);
        sizes.record(batch.items.len() as f64);
        if !batch.items.is_empty()
            && let Some(unreached) = answer(&operation, &tenant, batch).await
        {
            // The queued callers have waited too; they need not wait for the same failure.
            queues.refuse(&tenant, || unreached.for_another());
        }
        drop(permit);
    }
}

/// Runs a batch and answers its callers; stops when all of them are gone. Returns the error if no
/// connection to the database could be had.
async fn answer<O: BatchOperation>(
    operation: &O,
    tenant: &TenantName,
    batch: PendingBatch<O>,
) -> Option<Error> {
    let PendingBatch {
        items,
        mut answers,
        span,
    } = batch;
    let outcomes = tokio::select! {
        biased;
        outcomes = outcomes(operation, tenant, &items).instrument(span) => outcomes,
        () = all_gone(&mut answers) => return None,
    };
    let unreached = outcomes.iter().find_map(|outcome| match outcome {
        Err(error) if error.is_unreached() => Some(error.for_another()),
        _ => None,
    });
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // The caller may be gone.
        let _ = answer.send(outcome);
    }
    unreached
}

async fn all_gone<T>(answers: &mut [oneshot::Sender<T>]) {
    for answer in answers {
        poll_fn(|cx| answer.poll_closed(cx)).await;
    }
}

/// One result per item, in order, in every case.
async fn outcomes<O: BatchOperation>(
    operation: &O,
    tenant: &TenantName,
    items: &[O::Item],
) -> Vec<Result<O::Output>> {
    let mut outcomes = Vec::with_capacity(items.len());
    let mut parts = vec![items];
    while let Some(part) = parts.pop() {
        match attempt(operation, tenant, part).await {
            Ok(done) => outcomes.extend(done),
            Err(error) if !error.is_of_an_item() => {
                // The rest would fail too.
                let rest = items.len() - outcomes.len();
                outcomes.extend((1..rest).map(|_| Err(error.for_another())));
                outcomes.push(Err(error));
                break;
            }
            Err(error) if part.len() == 1 => outcomes.push(Err(error)),
            Err(_) => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
        }
    }
    outcomes
}

/// Runs some items; a panic is an error like others.
async fn attempt<O: BatchOperation>(
    operation: &O,
    tenant: &TenantName,
    items: &[O::Item],
) -> Result<Vec<Result<O::Output>>> {
    let run = AssertUnwindSafe(operation.run(tenant, items)).catch_unwind();
    let done = run
        .await
        .unwrap_or_else(|_| Err(Error::in_data("a batch panicked")))?;
    match done.len() == items.len() {
        true => Ok(done),
        false => Err(Error::broken("a batch answered another number of items")),
    }
}
