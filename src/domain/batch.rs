//! Natural batching: concurrent calls of one kind and tenant run together, as one batch, while the
//! batch before them is in flight.
//!
//! No timers: a call that finds nothing in flight runs at once, alone. Each call gets its own
//! outcome, and none depends on who else is in its batch: a caller who is gone before the batch
//! starts is left out, one who goes later changes nothing, and a batch that fails as a whole is
//! run again in halves until the item that made it fail stands alone.
//!
//! What keeps one tenant from taking all: a queue of its own, of bounded length, for each kind of
//! call; one batch in flight per queue; and turns, first come first served, that bound the batches
//! in flight of all tenants together. A tenant without calls keeps nothing.

mod queues;
#[cfg(test)]
mod tests;

use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use futures_util::FutureExt;
use tokio::sync::{Semaphore, oneshot};

use self::queues::{Batch, Queues, Waiting};
use super::{Error, Result};
use crate::model::TenantName;

/// The most items of one batch: so many that one transaction's fixed cost no longer counts, and
/// so few that it is over soon.
pub(super) const MAX_BATCH: usize = 1_000;

/// The most items of one queue that wait for their batch; one more is turned away. With the batch
/// in flight that is half of what the server handles at a time, so that one tenant's rush leaves
/// room for others.
pub(super) const MAX_WAITING: usize = 4_000;

/// What the calls of one kind have done together.
pub(super) trait Work: Send + Sync + 'static {
    /// What one call asks for.
    type Item: Send + Sync + 'static;
    /// What it is answered.
    type Outcome: Send + 'static;

    /// The most items of one batch.
    const MAX_BATCH: usize = MAX_BATCH;

    /// Does what all items ask for, all or nothing, and answers one outcome an item, in order. An
    /// outcome may be an error that concerns its item alone.
    fn run(
        &self,
        tenant: &TenantName,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Result<Self::Outcome>>>> + Send;

    /// What keeps an item out of a batch that others are in.
    fn claim(_: &Self::Item) -> Claim<'_> {
        Claim::default()
    }
}

/// What an item needs. Of two items that need the same, one of them for itself, the later one
/// waits for the next batch.
#[derive(Debug, Default)]
pub(super) struct Claim<'a> {
    /// Needed for itself.
    pub(super) own: Option<&'a str>,
    /// Needed with others.
    pub(super) shared: Option<&'a str>,
}

/// Batches of the calls of one kind.
pub(super) struct Batcher<W: Work> {
    queues: Arc<Queues<W>>,
    /// One permit per batch in flight. Waiters are served first come first served.
    turns: Arc<Semaphore>,
}

impl<W: Work> Batcher<W> {
    /// A batcher with these bounds; `turns` may be shared with other batchers.
    pub(super) fn new(turns: Arc<Semaphore>, max_waiting: usize) -> Self {
        Self {
            queues: Arc::new(Queues::new(max_waiting)),
            turns,
        }
    }

    /// Has an item done in a batch, which may be its alone. `work` is asked for when this item
    /// is the first of its tenant.
    ///
    /// # Errors
    ///
    /// What the item's outcome is; [`Error::Overloaded`] at once if too many are waiting.
    pub(super) async fn run(
        &self,
        tenant: &TenantName,
        item: W::Item,
        work: impl FnOnce() -> W,
    ) -> Result<W::Outcome> {
        let (answer, outcome) = oneshot::channel();
        let is_first = self.queues.push(tenant, Waiting { item, answer })?;
        if is_first {
            let (queues, turns) = (Arc::clone(&self.queues), Arc::clone(&self.turns));
            // A task of its own, so that no caller who goes away takes the others along.
            tokio::spawn(serve(queues, turns, tenant.clone(), work()));
        }
        let lost = |_| Err(Error::broken("a batch ended without an answer"));
        outcome.await.unwrap_or_else(lost)
    }
}

/// Runs one batch after the other until nobody waits.
async fn serve<W: Work>(
    queues: Arc<Queues<W>>,
    turns: Arc<Semaphore>,
    tenant: TenantName,
    work: W,
) {
    while queues.is_waited_for(&tenant) {
        let turn = turns.acquire().await;
        // Only now, so that more could gather meanwhile.
        let batch = queues.take(&tenant);
        if !batch.items.is_empty()
            && let Some(unreached) = answer(&work, &tenant, batch).await
        {
            // Who has waited all the while need not wait as long again to learn the same.
            queues.refuse(&tenant, || unreached.for_another());
        }
        drop(turn);
    }
}

/// Runs a batch and answers its callers; stops when none of them is left. Returns the error if
/// the database could not even be asked.
async fn answer<W: Work>(work: &W, tenant: &TenantName, batch: Batch<W>) -> Option<Error> {
    let Batch { items, mut answers } = batch;
    let outcomes = tokio::select! {
        biased;
        outcomes = outcomes(work, tenant, &items) => outcomes,
        () = all_gone(&mut answers) => return None,
    };
    let unreached = outcomes.iter().find_map(|outcome| match outcome {
        Err(error) if error.is_unreached() => Some(error.for_another()),
        _ => None,
    });
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // Whoever has gone needs no answer.
        let _ = answer.send(outcome);
    }
    unreached
}

async fn all_gone<T>(answers: &mut [oneshot::Sender<T>]) {
    for answer in answers {
        poll_fn(|cx| answer.poll_closed(cx)).await;
    }
}

/// One outcome an item, in order, whatever happens.
async fn outcomes<W: Work>(
    work: &W,
    tenant: &TenantName,
    items: &[W::Item],
) -> Vec<Result<W::Outcome>> {
    let mut outcomes = Vec::with_capacity(items.len());
    let mut parts = vec![items];
    while let Some(part) = parts.pop() {
        match attempt(work, tenant, part).await {
            Ok(done) => outcomes.extend(done),
            Err(error @ Error::Unavailable(_)) => {
                // No item's fault, and the rest would fare no better.
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

/// Runs some items; a panic is a failure like others.
async fn attempt<W: Work>(
    work: &W,
    tenant: &TenantName,
    items: &[W::Item],
) -> Result<Vec<Result<W::Outcome>>> {
    let run = AssertUnwindSafe(work.run(tenant, items)).catch_unwind();
    let done = run
        .await
        .unwrap_or_else(|_| Err(Error::broken("a batch panicked")))?;
    match done.len() == items.len() {
        true => Ok(done),
        false => Err(Error::broken("a batch answered another number of items")),
    }
}
