//! The queues of items, by tenant.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;
use tracing::Span;

use super::{BatchOperation, ConflictKeys};
use crate::{
    domain::{Error, Result},
    model::TenantName,
    telemetry::{TRACES, is_tracing},
};

/// So many calls are linked with the batch that they were part of.
const MAX_LINKS: usize = 32;

/// An item, and the sender of its result.
pub(super) struct QueuedItem<O: BatchOperation> {
    pub(super) item: O::Item,
    pub(super) answer: oneshot::Sender<Result<O::Output>>,
    /// The call in traces.
    pub(super) span: Span,
}

/// Items that run together, and the senders of their results, in the same order.
pub(super) struct PendingBatch<O: BatchOperation> {
    pub(super) items: Vec<O::Item>,
    pub(super) answers: Vec<oneshot::Sender<Result<O::Output>>>,
    /// The batch in traces.
    pub(super) span: Span,
}

/// The queues of the tenants that are being served; other tenants have none.
pub(super) struct Queues<O: BatchOperation> {
    queues: Mutex<HashMap<TenantName, VecDeque<QueuedItem<O>>>>,
    max_queued: usize,
}

impl<O: BatchOperation> Queues<O> {
    pub(super) fn new(max_queued: usize) -> Self {
        Self {
            queues: Mutex::default(),
            max_queued,
        }
    }

    /// Queues an item, if there is room. Returns whether serving its tenant has to be started.
    pub(super) fn push(&self, tenant: &TenantName, waiting: QueuedItem<O>) -> Result<bool> {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(tenant) else {
            queues.insert(tenant.clone(), VecDeque::from([waiting]));
            return Ok(true);
        };
        if queue.len() >= self.max_queued {
            queue.retain(|waiting| !waiting.answer.is_closed());
        }
        if queue.len() >= self.max_queued {
            return Err(Error::Overloaded);
        }
        queue.push_back(waiting);
        Ok(false)
    }

    /// Whether the tenant's queue has items; if not, it is removed.
    pub(super) fn has_items(&self, tenant: &TenantName) -> bool {
        let mut queues = self.lock();
        let has_items = queues.get(tenant).is_some_and(|queue| !queue.is_empty());
        if !has_items {
            queues.remove(tenant);
        }
        has_items
    }

    /// Takes the next batch. Items whose callers are gone are dropped; items that conflict with an
    /// earlier one stay at the head of the queue.
    pub(super) fn take(&self, tenant: &TenantName) -> PendingBatch<O> {
        let mut queues = self.lock();
        let mut queue = queues
            .get_mut(tenant)
            .map(std::mem::take)
            .unwrap_or_default();
        let mut chosen = Vec::with_capacity(queue.len().min(O::MAX_ITEMS));
        let mut taken = TakenKeys::default();
        let mut later = VecDeque::new();
        while chosen.len() < O::MAX_ITEMS
            && let Some(waiting) = queue.pop_front()
        {
            if waiting.answer.is_closed() {
                continue;
            }
            match taken.add(O::conflict_keys(&waiting.item)) {
                true => chosen.push(waiting),
                false => later.push_back(waiting),
            }
        }
        later.append(&mut queue);
        if let Some(queue) = queues.get_mut(tenant) {
            *queue = later;
        }
        let span = batch_span(chosen.iter().map(|it| &it.span));
        let (items, answers) = chosen.into_iter().map(|it| (it.item, it.answer)).unzip();
        PendingBatch {
            items,
            answers,
            span,
        }
    }

    /// Answers all queued items with an error.
    pub(super) fn refuse(&self, tenant: &TenantName, error: impl Fn() -> Error) {
        let waiting = self.lock().get_mut(tenant).map(std::mem::take);
        for waiting in waiting.into_iter().flatten() {
            // The caller may be gone.
            let _ = waiting.answer.send(Err(error()));
        }
    }

    /// The queued items of all tenants.
    pub(super) fn items(&self) -> usize {
        self.lock().values().map(VecDeque::len).sum()
    }

    #[cfg(test)]
    pub(super) fn tenants(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantName, VecDeque<QueuedItem<O>>>> {
        // A panic leaves no partial update.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The span of a batch: part of the trace of its first call, and linked with those of others.
fn batch_span<'s>(calls: impl ExactSizeIterator<Item = &'s Span>) -> Span {
    if !is_tracing() {
        return Span::none();
    }
    let items = calls.len();
    let mut calls = calls.filter(|it| !it.is_disabled()).take(MAX_LINKS);
    let first = calls.next().and_then(Span::id);
    let span = tracing::info_span!(target: TRACES, parent: first, "batch", items);
    for call in calls {
        span.follows_from(call);
    }
    span
}

/// The keys of the items of a batch.
#[derive(Default)]
struct TakenKeys {
    exclusive: HashSet<String>,
    shared: HashSet<String>,
}

impl TakenKeys {
    /// Adds the keys of an item, unless they conflict with earlier ones.
    fn add(&mut self, keys: ConflictKeys<'_>) -> bool {
        let is_taken = |key: &str| self.exclusive.contains(key) || self.shared.contains(key);
        let conflicts = keys.exclusive.is_some_and(is_taken)
            || keys.shared.is_some_and(|key| self.exclusive.contains(key));
        if !conflicts {
            self.exclusive.extend(keys.exclusive.map(str::to_owned));
            self.shared.extend(keys.shared.map(str::to_owned));
        }
        !conflicts
    }
}
