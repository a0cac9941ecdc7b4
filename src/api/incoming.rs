//! What a call receives: how much memory its messages take, and how many come.
//!
//! A task-local carries it, because a codec knows nothing of its call. Bytes count when they arrive
//! and until their message is handled; a decoded message counts as what it takes then.

use std::{
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::task_local;
use tonic::Status;

use super::{
    quota::{Quota, TakenQuota},
    status,
};
use crate::fair_semaphore::{FairPermit, FairSemaphore};

/// So much of each message is free, so that small calls pass when large ones have taken all memory.
/// The number of calls bounds what is free.
const FREE_BYTES: usize = 16 << 10;

task_local! {
    static CURRENT: Arc<Incoming>;
}

/// What one call receives.
pub(crate) struct Incoming {
    /// Whether the call takes one message.
    single: bool,
    /// For unpacking compressed messages.
    semaphore: FairSemaphore,
    tenant: Arc<str>,
    state: Mutex<Receiving>,
}

struct Receiving {
    /// The messages that were decoded.
    messages: usize,
    /// The bytes of the next message that have come.
    received: usize,
    memory: TakenQuota,
    /// Held while a message is unpacked.
    unpacking: Option<FairPermit>,
}

impl Incoming {
    pub(crate) fn new(
        memory: &Arc<Quota>,
        semaphore: &FairSemaphore,
        tenant: &Arc<str>,
        single: bool,
    ) -> Arc<Self> {
        let state = Receiving {
            messages: 0,
            received: 0,
            memory: memory.nothing(tenant),
            unpacking: None,
        };
        Arc::new(Self {
            single,
            semaphore: semaphore.clone(),
            tenant: Arc::clone(tenant),
            state: Mutex::new(state),
        })
    }

    fn state(&self) -> MutexGuard<'_, Receiving> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts bytes of the next message.
    pub(crate) fn receive(&self, bytes: usize) -> Result<(), Status> {
        let mut state = self.state();
        state.received += bytes;
        let received = state.received;
        state.hold(received)
    }

    /// Waits for the permit to unpack a compressed message.
    pub(crate) async fn unpack_permit(&self) -> FairPermit {
        let mut hasher = DefaultHasher::new();
        self.tenant.hash(&mut hasher);
        // Tenants of one hash wait for each other, which is rare and harmless.
        self.semaphore.acquire(hasher.finish() as i32).await
    }

    /// Holds a permit until the next message is unpacked.
    pub(crate) fn hold(&self, permit: FairPermit) {
        self.state().unpacking = Some(permit);
    }

    /// Gives back a permit: more of the next message has to come before it can be unpacked.
    pub(crate) fn give_back(&self) {
        self.state().unpacking = None;
    }

    /// Counts a message that is about to be decoded and then takes so many bytes.
    fn decode(&self, bytes: usize) -> Result<(), Status> {
        let mut state = self.state();
        state.messages += 1;
        state.unpacking = None;
        if self.single && state.messages > 1 {
            return Err(status::several_messages());
        }
        state.received = 0;
        state.hold(bytes)
    }
}

impl Receiving {
    fn hold(&mut self, bytes: usize) -> Result<(), Status> {
        let counted = bytes.saturating_sub(FREE_BYTES);
        match self.memory.resize(counted) {
            true => Ok(()),
            false => Err(status::no_memory()),
        }
    }
}

/// Counts bytes of the current call's next message that are held before it is decoded.
pub(crate) fn receive(bytes: usize) -> Result<(), Status> {
    let counted = CURRENT.try_with(|incoming| incoming.receive(bytes));
    counted.unwrap_or(Ok(()))
}

/// Waits for the permit to unpack a compressed message of the current call.
pub(crate) async fn unpack_permit() -> Option<FairPermit> {
    let incoming = CURRENT.try_with(Arc::clone).ok()?;
    Some(incoming.unpack_permit().await)
}

/// Counts a message of the current call that is about to be decoded and then takes so many bytes.
pub(super) fn decode(bytes: usize) -> Result<(), Status> {
    let counted = CURRENT.try_with(|incoming| incoming.decode(bytes));
    // A client's call is not counted.
    counted.unwrap_or(Ok(()))
}

/// The memory of the message that the current call has decoded last, for as long as it waits.
pub(super) fn take_memory() -> Option<TakenQuota> {
    let taken = CURRENT.try_with(|incoming| incoming.state().memory.split());
    taken.ok()
}

/// Runs `future` as part of the call.
pub(crate) fn scope<F: Future>(
    incoming: Arc<Incoming>,
    future: F,
) -> impl Future<Output = F::Output> {
    CURRENT.scope(incoming, future)
}

/// Runs `work` as part of the call.
pub(crate) fn sync_scope<T>(incoming: Arc<Incoming>, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(incoming, work)
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn a_message_counts_until_it_is_handled() {
        let memory = Quota::halved(200_000);
        let call = Incoming::new(&memory, &FairSemaphore::new(1, 1), &Arc::from("t"), false);
        call.receive(FREE_BYTES).expect("free");
        assert_eq!(memory.used(), 0);
        call.receive(50_000).expect("room");
        call.receive(60_000).expect_err("more than half");
        call.decode(FREE_BYTES + 70_000).expect("room");
        assert_eq!(memory.used(), 70_000);
        let waiting = sync_scope(Arc::clone(&call), take_memory);
        call.receive(FREE_BYTES + 30_000).expect("room");
        assert_eq!(memory.used(), 100_000);
        drop(waiting);
        assert_eq!(memory.used(), 30_000);
        drop(call);
        assert_eq!(memory.used(), 0);
    }

    #[tokio::test]
    async fn a_turn_is_one_of_those_that_calls_share() {
        let (memory, semaphore) = (Quota::halved(1), FairSemaphore::new(1, 1));
        let call = Incoming::new(&memory, &semaphore, &Arc::from("t"), true);
        let permit = scope(call, unpack_permit()).await;
        assert_eq!(semaphore.counts(), (0, 0));
        drop(permit);
        assert_eq!(semaphore.counts(), (1, 0));
    }

    #[test]
    fn a_unary_call_takes_one_message() {
        let memory = Quota::halved(1);
        let call = Incoming::new(&memory, &FairSemaphore::new(1, 1), &Arc::from("t"), true);
        sync_scope(call, || {
            decode(1).expect("the first");
            let status = decode(1).expect_err("the second");
            assert_eq!(status.code(), Code::InvalidArgument);
        });
    }
}
