//! A semaphore whose permits tenants share fairly.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use crate::cpu::{self, Contention};

/// What tells tenants apart: their number, or a hash of their name.
pub(crate) type Key = i32;

/// How long the oldest caller of a tenant waits before every other permit goes to the newest one.
const STANDING: Duration = Duration::from_millis(40);

/// How long a tenant that has called counts as one of several.
const RECENTLY: Duration = Duration::from_secs(1);

/// A number of permits, of which a tenant takes at most a share. Tenants that wait take turns. A caller
/// that goes away leaves the queue.
///
/// While processors are short, a tenant can be made to leave one to others that call.
///
/// Calls of one tenant are served in order, as long as they do not wait long. Else every other permit
/// goes to the newest: when more calls come than can be served, or came while the database paused, the
/// oldest are those whose deadline passes before they end, and to serve only them is to serve nobody.
#[derive(Clone)]
pub(crate) struct FairSemaphore {
    share: usize,
    leaves_a_core: bool,
    state: Arc<Mutex<SemaphoreState>>,
}

#[derive(Default)]
struct SemaphoreState {
    free: usize,
    /// The tenants that have or await a permit.
    tenants: HashMap<Key, TenantPermits>,
    /// Those of them that can be served next: they await a permit and have less than their share.
    next: VecDeque<Key>,
    /// The tenant that called last, and the one before, and when.
    recent: [Option<(Key, Instant)>; 2],
    contention: Contention,
}

#[derive(Default)]
struct TenantPermits {
    taken: usize,
    waiting: VecDeque<WaitingCaller>,
    is_next: bool,
    /// Whether the last permit went to the newest caller.
    took_newest: bool,
}

struct WaitingCaller {
    since: Instant,
    caller: oneshot::Sender<FairPermit>,
}

/// A permit; it is free again when this is dropped.
pub(crate) struct FairPermit {
    semaphore: FairSemaphore,
    tenant: Key,
}

impl FairSemaphore {
    /// So many permits in all, and for one tenant.
    pub(crate) fn new(permits: usize, share: usize) -> Self {
        let state = SemaphoreState {
            free: permits,
            ..SemaphoreState::default()
        };
        Self {
            share,
            leaves_a_core: false,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// With permits for work that computes.
    pub(crate) fn leaving_a_core(mut self) -> Self {
        self.leaves_a_core = true;
        self
    }

    /// Waits for a permit.
    pub(crate) async fn acquire(&self, tenant: Key) -> FairPermit {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.lock();
            state.note_call(tenant);
            let waiting = &mut state.tenants.entry(tenant).or_default().waiting;
            if waiting.len() == waiting.capacity() {
                waiting.retain(|it| !it.caller.is_closed());
            }
            waiting.push_back(WaitingCaller {
                since: Instant::now(),
                caller: sender,
            });
        }
        self.serve(tenant);
        receiver.await.expect("a caller that waits is not dropped")
    }

    /// How many permits are free, and how many callers wait.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        let waiting = state.tenants.values().map(|it| it.waiting.len()).sum();
        (state.free, waiting)
    }

    /// Gives free permits to those who wait, after a change of this tenant.
    fn serve(&self, tenant: Key) {
        // Dropped after the lock: their callers went away before they took them.
        let mut unclaimed = Vec::new();
        let mut state = self.lock();
        let share = self.share(&mut state);
        state.line_up(tenant, share);
        while let Some((tenant, caller)) = state.next_caller() {
            state.line_up(tenant, share);
            let permit = FairPermit {
                semaphore: self.clone(),
                tenant,
            };
            unclaimed.extend(caller.send(permit).err());
        }
        drop(state);
    }

    fn share(&self, state: &mut SemaphoreState) -> usize {
        let now = Instant::now();
        let is_short =
            self.leaves_a_core && state.several_call(now) && state.contention.is_high(now);
        match is_short {
            true => self.share.min((cpu::cores() - 1).max(1)),
            false => self.share,
        }
    }

    fn lock(&self) -> MutexGuard<'_, SemaphoreState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SemaphoreState {
    fn note_call(&mut self, tenant: Key) {
        let [last, before] = &mut self.recent;
        if last.is_some_and(|(last, _)| last != tenant) {
            *before = *last;
        }
        *last = Some((tenant, Instant::now()));
    }

    fn several_call(&self, now: Instant) -> bool {
        self.recent[1].is_some_and(|(_, called)| now - called < RECENTLY)
    }

    /// Lets a tenant be served if it may be; forgets one that neither has nor awaits a permit.
    fn line_up(&mut self, key: Key, share: usize) {
        let Some(tenant) = self.tenants.get_mut(&key) else {
            return;
        };
        if tenant.waiting.is_empty() && tenant.taken == 0 && !tenant.is_next {
            self.tenants.remove(&key);
        } else if !tenant.waiting.is_empty() && tenant.taken < share && !tenant.is_next {
            tenant.is_next = true;
            self.next.push_back(key);
        }
    }

    /// Takes a free permit for the next caller.
    fn next_caller(&mut self) -> Option<(Key, oneshot::Sender<FairPermit>)> {
        while self.free > 0 {
            let key = self.next.pop_front()?;
            let tenant = self.tenants.get_mut(&key)?;
            tenant.is_next = false;
            if let Some(caller) = tenant.next_caller() {
                tenant.taken += 1;
                self.free -= 1;
                return Some((key, caller));
            }
            self.line_up(key, 0);
        }
        None
    }
}

impl TenantPermits {
    /// Takes the next caller that still waits.
    fn next_caller(&mut self) -> Option<oneshot::Sender<FairPermit>> {
        let is_gone = |it: &WaitingCaller| it.caller.is_closed();
        while self.waiting.front().is_some_and(is_gone) {
            self.waiting.pop_front();
        }
        while self.waiting.back().is_some_and(is_gone) {
            self.waiting.pop_back();
        }
        let stands = self.waiting.front()?.since.elapsed() > STANDING;
        self.took_newest = stands && !self.took_newest;
        let next = match self.took_newest {
            true => self.waiting.pop_back(),
            false => self.waiting.pop_front(),
        };
        next.map(|it| it.caller)
    }
}

impl Drop for FairPermit {
    fn drop(&mut self) {
        {
            let mut state = self.semaphore.lock();
            state.free += 1;
            if let Some(tenant) = state.tenants.get_mut(&self.tenant) {
                tenant.taken -= 1;
            }
        }
        self.semaphore.serve(self.tenant);
    }
}

#[cfg(test)]
mod tests;
