//! Who waits for a batch, tenant by tenant.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::{Claim, Work};
use crate::{
    domain::{Error, Result},
    model::TenantName,
};

/// An item and where its outcome goes.
pub(super) struct Waiting<W: Work> {
    pub(super) item: W::Item,
    pub(super) answer: oneshot::Sender<Result<W::Outcome>>,
}

/// Items that run together, and where their outcomes go, in the same order.
pub(super) struct Batch<W: Work> {
    pub(super) items: Vec<W::Item>,
    pub(super) answers: Vec<oneshot::Sender<Result<W::Outcome>>>,
}

/// The queue of each tenant that is being served; no other tenant has one.
pub(super) struct Queues<W: Work> {
    queues: Mutex<HashMap<TenantName, VecDeque<Waiting<W>>>>,
    max_waiting: usize,
}

impl<W: Work> Queues<W> {
    pub(super) fn new(max_waiting: usize) -> Self {
        Self {
            queues: Mutex::default(),
            max_waiting,
        }
    }

    /// Lets an item wait, if there is room. Returns whether its tenant is now to be served.
    pub(super) fn push(&self, tenant: &TenantName, waiting: Waiting<W>) -> Result<bool> {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(tenant) else {
            queues.insert(tenant.clone(), VecDeque::from([waiting]));
            return Ok(true);
        };
        if queue.len() >= self.max_waiting {
            queue.retain(|waiting| !waiting.answer.is_closed());
        }
        if queue.len() >= self.max_waiting {
            return Err(Error::Overloaded);
        }
        queue.push_back(waiting);
        Ok(false)
    }

    /// Whether anybody waits; if not, the tenant's queue is forgotten.
    pub(super) fn is_waited_for(&self, tenant: &TenantName) -> bool {
        let mut queues = self.lock();
        let is_waited_for = queues.get(tenant).is_some_and(|queue| !queue.is_empty());
        if !is_waited_for {
            queues.remove(tenant);
        }
        is_waited_for
    }

    /// Takes the next batch. Left out are those who have gone; those whose claims clash with an
    /// earlier one's stay at the head of the queue.
    pub(super) fn take(&self, tenant: &TenantName) -> Batch<W> {
        let mut queues = self.lock();
        let mut queue = queues
            .get_mut(tenant)
            .map(std::mem::take)
            .unwrap_or_default();
        let mut chosen = Vec::with_capacity(queue.len().min(W::MAX_BATCH));
        let mut claims = Claims::default();
        let mut later = VecDeque::new();
        while chosen.len() < W::MAX_BATCH
            && let Some(waiting) = queue.pop_front()
        {
            if waiting.answer.is_closed() {
                continue;
            }
            match claims.add(W::claim(&waiting.item)) {
                true => chosen.push(waiting),
                false => later.push_back(waiting),
            }
        }
        later.append(&mut queue);
        if let Some(queue) = queues.get_mut(tenant) {
            *queue = later;
        }
        let (items, answers) = chosen.into_iter().map(|w| (w.item, w.answer)).unzip();
        Batch { items, answers }
    }

    /// Answers everybody who waits with an error.
    pub(super) fn refuse(&self, tenant: &TenantName, error: impl Fn() -> Error) {
        let waiting = self.lock().get_mut(tenant).map(std::mem::take);
        for waiting in waiting.into_iter().flatten() {
            // Whoever has gone needs no answer.
            let _ = waiting.answer.send(Err(error()));
        }
    }

    #[cfg(test)]
    pub(super) fn tenants(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantName, VecDeque<Waiting<W>>>> {
        // Nothing is left half done by a panic.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the items chosen for a batch claim.
#[derive(Default)]
struct Claims {
    own: HashSet<String>,
    shared: HashSet<String>,
}

impl Claims {
    /// Adds a claim, unless it clashes with an earlier one.
    fn add(&mut self, claim: Claim<'_>) -> bool {
        let is_claimed = |key: &str| self.own.contains(key) || self.shared.contains(key);
        let clashes = claim.own.is_some_and(is_claimed)
            || claim.shared.is_some_and(|key| self.own.contains(key));
        if !clashes {
            self.own.extend(claim.own.map(str::to_owned));
            self.shared.extend(claim.shared.map(str::to_owned));
        }
        !clashes
    }
}
