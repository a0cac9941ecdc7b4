//! A batcher whose batches wait for the test.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use super::super::*;
use crate::store::Unavailable;

/// An item, by what it does to its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Is answered its number.
    Number(u32),
    /// Is refused alone.
    Refused,
    /// Makes its batch fail.
    Poison,
    /// Makes its batch panic.
    Panic,
    /// Finds the database away.
    Away,
    /// Finds the disk full.
    Full,
    /// Meets a fault that is no item's.
    Broken,
    /// Finds that there is no connection to the database to be had.
    Unreached,
    /// Must be alone with what has this name.
    Own(&'static str),
    /// Shares what has this name.
    Shared(&'static str),
}

/// Batches that wait for the test before they run.
pub(super) struct Fake {
    batcher: Batcher<Gated>,
    gate: Arc<Semaphore>,
    pub(super) started: Mutex<mpsc::UnboundedReceiver<(String, Vec<Ask>)>>,
    pub(super) work: Gated,
}

#[derive(Clone)]
pub(super) struct Gated {
    gate: Arc<Semaphore>,
    starts: mpsc::UnboundedSender<(String, Vec<Ask>)>,
    pub(super) finished: Arc<AtomicUsize>,
}

impl BatchOperation for Gated {
    type Item = Ask;
    type Output = u32;
    const MAX_ITEMS: usize = 8;

    async fn run(&self, tenant: &TenantName, items: &[Ask]) -> Result<Vec<Result<u32>>> {
        let start = (tenant.as_str().to_owned(), items.to_vec());
        self.starts.send(start).expect("the test listens");
        self.gate.acquire().await.expect("never closed").forget();
        self.finished.fetch_add(1, Ordering::Relaxed);
        if items.contains(&Ask::Poison) {
            return Err(Error::in_data("poisoned"));
        }
        assert!(!items.contains(&Ask::Panic), "as the test wants");
        if items.contains(&Ask::Away) {
            return Err(Error::Unavailable("away".into()));
        }
        if items.contains(&Ask::Full) {
            return Err(Error::DatabaseFull("full".into()));
        }
        if items.contains(&Ask::Broken) {
            return Err(Error::broken("broken"));
        }
        if items.contains(&Ask::Unreached) {
            return Err(Unavailable("no connection".into()).into());
        }
        let outcome = |ask: &Ask| match ask {
            Ask::Number(number) => Ok(*number),
            Ask::Refused => Err(Error::invalid("item", "is refused")),
            _ => Ok(0),
        };
        Ok(items.iter().map(outcome).collect())
    }

    fn conflict_keys(item: &Ask) -> ConflictKeys<'_> {
        match item {
            Ask::Own(key) => ConflictKeys {
                exclusive: Some(key),
                shared: None,
            },
            Ask::Shared(key) => ConflictKeys {
                exclusive: None,
                shared: Some(key),
            },
            _ => ConflictKeys::default(),
        }
    }
}

pub(super) type Call = JoinHandle<Result<u32>>;

impl Fake {
    pub(super) fn new(permits: usize, max_queued: usize) -> Arc<Self> {
        let (starts, started) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let work = Gated {
            gate: Arc::clone(&gate),
            starts,
            finished: Arc::default(),
        };
        Arc::new(Self {
            batcher: Batcher::new("fake", Arc::new(Semaphore::new(permits)), max_queued),
            gate,
            started: Mutex::new(started),
            work,
        })
    }

    /// A call that begins when it is polled.
    pub(super) fn future(
        self: &Arc<Self>,
        tenant: &str,
        ask: Ask,
    ) -> impl Future<Output = Result<u32>> + use<> {
        let (fake, tenant) = (Arc::clone(self), tenant.parse().expect("a tenant"));
        async move {
            let work = || fake.work.clone();
            fake.batcher.run(&tenant, ask, work).await
        }
    }

    /// Calls, and returns when the call waits or runs.
    pub(super) async fn call(self: &Arc<Self>, tenant: &str, ask: Ask) -> Call {
        let call = tokio::spawn(self.future(tenant, ask));
        tokio::task::yield_now().await;
        call
    }

    /// Waits for the next batch to start; whose it is and what is in it.
    pub(super) async fn started(&self) -> (String, Vec<Ask>) {
        let next = poll_fn(|cx| self.started.lock().expect("one at a time").poll_recv(cx));
        let next = timeout(Duration::from_secs(60), next).await;
        next.expect("a batch starts").expect("work goes on")
    }

    /// Lets so many batches run.
    pub(super) fn open(&self, batches: usize) {
        self.gate.add_permits(batches);
    }

    /// Has a batch in flight, so that what follows gathers.
    pub(super) async fn busy(self: &Arc<Self>, tenant: &str) -> Call {
        let call = self.call(tenant, Ask::Number(0)).await;
        assert_eq!(self.started().await.1, [Ask::Number(0)]);
        call
    }

    /// All queues are empty.
    pub(super) async fn is_idle(&self) {
        while self.batcher.queues.tenants() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

pub(super) async fn outcome(call: Call) -> Result<u32> {
    let ended = timeout(Duration::from_secs(60), call).await;
    ended.expect("a call ends").expect("a call does not panic")
}
