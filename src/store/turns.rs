//! Places that tenants share fairly.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use crate::model::TenantId;

/// How long the oldest caller of a tenant waits before every other place goes to the newest one.
const STANDING: Duration = Duration::from_millis(40);

/// A number of places, of which a tenant takes at most a share. Tenants that wait take turns. A caller
/// that goes away gives up its place in the queue.
///
/// Calls of one tenant are served in order, as long as they do not wait long. Else every other place
/// goes to the newest: when more calls come than can be served, or came while the database paused, the
/// oldest are those whose deadline passes before they end, and to serve only them is to serve nobody.
#[derive(Clone)]
pub(crate) struct Turns {
    share: usize,
    state: Arc<Mutex<TurnState>>,
}

#[derive(Default)]
struct TurnState {
    free: usize,
    /// The tenants that have or await a place.
    tenants: HashMap<TenantId, TenantTurns>,
    /// Those of them that can be served next: they await a place and have less than their share.
    next: VecDeque<TenantId>,
}

#[derive(Default)]
struct TenantTurns {
    taken: usize,
    waiting: VecDeque<WaitingCaller>,
    is_next: bool,
    /// Whether the last place went to the newest caller.
    took_newest: bool,
}

struct WaitingCaller {
    since: Instant,
    caller: oneshot::Sender<Turn>,
}

/// A place; it is free again when this is dropped.
pub(crate) struct Turn {
    turns: Turns,
    tenant_id: TenantId,
}

impl Turns {
    /// So many places in all, and for one tenant.
    pub(crate) fn new(places: usize, share: usize) -> Self {
        let state = TurnState {
            free: places,
            ..TurnState::default()
        };
        Self {
            share,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Waits for a place.
    pub(crate) async fn take(&self, tenant_id: TenantId) -> Turn {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.lock();
            let waiting = &mut state.tenants.entry(tenant_id).or_default().waiting;
            if waiting.len() == waiting.capacity() {
                waiting.retain(|it| !it.caller.is_closed());
            }
            waiting.push_back(WaitingCaller {
                since: Instant::now(),
                caller: sender,
            });
        }
        self.serve(tenant_id);
        receiver.await.expect("a caller that waits is not dropped")
    }

    /// How many places are free, and how many callers wait.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        let waiting = state.tenants.values().map(|it| it.waiting.len()).sum();
        (state.free, waiting)
    }

    /// Gives free places to those who wait, after a change of this tenant.
    fn serve(&self, tenant_id: TenantId) {
        // Dropped after the lock: their callers went away before they took them.
        let mut unclaimed = Vec::new();
        let mut state = self.lock();
        state.line_up(tenant_id, self.share);
        while let Some((tenant_id, caller)) = state.next_caller() {
            state.line_up(tenant_id, self.share);
            let turn = Turn {
                turns: self.clone(),
                tenant_id,
            };
            unclaimed.extend(caller.send(turn).err());
        }
        drop(state);
    }

    fn lock(&self) -> MutexGuard<'_, TurnState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TurnState {
    /// Lets a tenant be served if it may be; forgets one that neither has nor awaits a place.
    fn line_up(&mut self, tenant_id: TenantId, share: usize) {
        let Some(tenant) = self.tenants.get_mut(&tenant_id) else {
            return;
        };
        if tenant.waiting.is_empty() && tenant.taken == 0 && !tenant.is_next {
            self.tenants.remove(&tenant_id);
        } else if !tenant.waiting.is_empty() && tenant.taken < share && !tenant.is_next {
            tenant.is_next = true;
            self.next.push_back(tenant_id);
        }
    }

    /// Takes a free place for the next caller.
    fn next_caller(&mut self) -> Option<(TenantId, oneshot::Sender<Turn>)> {
        while self.free > 0 {
            let tenant_id = self.next.pop_front()?;
            let tenant = self.tenants.get_mut(&tenant_id)?;
            tenant.is_next = false;
            if let Some(caller) = tenant.next_caller() {
                tenant.taken += 1;
                self.free -= 1;
                return Some((tenant_id, caller));
            }
            self.line_up(tenant_id, 0);
        }
        None
    }
}

impl TenantTurns {
    /// Takes the next caller that still waits.
    fn next_caller(&mut self) -> Option<oneshot::Sender<Turn>> {
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

impl Drop for Turn {
    fn drop(&mut self) {
        {
            let mut state = self.turns.lock();
            state.free += 1;
            if let Some(tenant) = state.tenants.get_mut(&self.tenant_id) {
                tenant.taken -= 1;
            }
        }
        self.turns.serve(self.tenant_id);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_tenant_takes_at_most_its_share() {
        let turns = Turns::new(3, 2);
        let _places = (turns.take(1).await, turns.take(1).await);
        assert!(turns.take(1).now_or_never().is_none());
        let other = turns.take(2).await;
        assert!(turns.take(3).now_or_never().is_none());
        drop(other);
        assert!(turns.take(1).now_or_never().is_none());
        turns.take(3).await;
    }

    #[tokio::test]
    async fn tenants_take_turns() {
        let turns = Turns::new(1, 1);
        let place = turns.take(1).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let waiting = [1, 1, 2, 3].map(|tenant_id| {
            let (turns, served) = (turns.clone(), Arc::clone(&served));
            tokio::spawn(async move {
                let _place = turns.take(tenant_id).await;
                served.lock().expect("no panic").push(tenant_id);
            })
        });
        tokio::task::yield_now().await;
        drop(place);
        futures_util::future::join_all(waiting).await;
        assert_eq!(*served.lock().expect("no panic"), [2, 3, 1, 1]);
    }

    #[tokio::test]
    async fn in_a_queue_that_stands_every_other_place_goes_to_the_newest() {
        let turns = Turns::new(1, 1);
        let place = turns.take(1).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let waiting = [1, 2, 3, 4, 5].map(|number| {
            let (turns, served) = (turns.clone(), Arc::clone(&served));
            tokio::spawn(async move {
                let _place = turns.take(1).await;
                served.lock().expect("no panic").push(number);
            })
        });
        tokio::task::yield_now().await;
        waiting[4].abort();
        tokio::task::yield_now().await;
        let long = |it: &mut WaitingCaller| it.since -= 2 * STANDING;
        let waiting_callers = |state: &mut TurnState| {
            let tenant = state.tenants.get_mut(&1).expect("waits");
            tenant.waiting.iter_mut().for_each(long);
        };
        waiting_callers(&mut turns.lock());
        drop(place);
        futures_util::future::join_all(waiting).await;
        assert_eq!(*served.lock().expect("no panic"), [4, 1, 3, 2]);
    }

    #[tokio::test]
    async fn callers_that_go_away_take_no_place_and_leave_nothing() {
        let turns = Turns::new(1, 1);
        let place = turns.take(1).await;
        let mut gone = Box::pin(turns.take(1));
        let mut served = Box::pin(turns.take(2));
        assert!(gone.as_mut().now_or_never().is_none());
        assert!(served.as_mut().now_or_never().is_none());
        drop(gone);
        drop(place);
        // The place is sent, but its caller goes away before it takes it.
        drop(served);
        drop(turns.take(3).await);
        assert!(turns.lock().tenants.is_empty() && turns.lock().free == 1);
    }
}
