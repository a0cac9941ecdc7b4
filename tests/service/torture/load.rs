//! Clients that make calls until they are acknowledged, and remember what was.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    runtime::Handle,
    sync::{OwnedRwLockWriteGuard, RwLock, RwLockReadGuard},
    task::JoinSet,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, Status, transport::Endpoint};
use tonic_types::StatusExt;

use super::{
    imports::{self, BASE},
    scene::Scene,
    watchers::{self, Watched},
    writers,
};
use crate::support::{Tenant, person};

/// Name of the tenant.
pub(super) const TENANT: &str = "t";

/// Clients of each kind.
const CLIENTS: usize = 2;

/// The delay before a call is made again.
const PAUSE: Duration = Duration::from_millis(20);

/// What all clients share.
pub(super) struct Shared {
    /// The tenant on each server.
    pub(super) tenants: [Tenant; 2],
    /// Held while a client works on one thing; the comparison waits until nobody does.
    gate: Arc<RwLock<()>>,
    acknowledged: AtomicUsize,
    failures: Mutex<HashMap<String, usize>>,
    pub(super) expected: Mutex<Expected>,
    /// What the watcher of each server has seen.
    pub(super) watched: [Watched; 2],
}

/// What has to be in the database.
#[derive(Default)]
pub(super) struct Expected {
    /// The members of the groups of each client.
    pub(super) members: HashMap<String, Vec<String>>,
    /// The ids of all contacts.
    pub(super) contacts: Vec<String>,
    /// The number of actions of each segment.
    pub(super) actions: HashMap<String, i64>,
}

impl Shared {
    /// Waits until there is no comparison, and keeps the next one waiting.
    pub(super) async fn work(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().await
    }

    /// Makes a call again and again, on either server, until it succeeds; its answer, and how many
    /// attempts that took.
    pub(super) async fn until_done<T>(
        &self,
        mut call: impl AsyncFnMut(&mut Tenant) -> Result<T, Status>,
    ) -> (T, usize) {
        let first = rand::rng().random_range(0..2);
        for attempt in 1.. {
            let mut tenant = self.tenants[(first + attempt) % 2].clone();
            match call(&mut tenant).await {
                Ok(answer) => return (answer, attempt),
                Err(status) => self.failed(&status),
            }
            tokio::time::sleep(PAUSE).await;
        }
        unreachable!("attempts have no end");
    }

    /// As [`Self::until_done`], for a write.
    pub(super) async fn until_acknowledged<T>(
        &self,
        call: impl AsyncFnMut(&mut Tenant) -> Result<T, Status>,
    ) -> (T, usize) {
        let done = self.until_done(call).await;
        self.acknowledge();
        done
    }

    pub(super) fn acknowledge(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a failure, which must be one that says to try again.
    pub(super) fn failed(&self, status: &Status) {
        let reason = match status.get_details_error_info() {
            Some(info) => info.reason,
            // Not from the service: the connection broke.
            None => format!("{:?}", status.code()),
        };
        let may_be = match status.get_details_error_info() {
            Some(_) => match status.code() {
                Code::Unavailable | Code::DeadlineExceeded => true,
                Code::ResourceExhausted => reason == "DATABASE_FULL",
                Code::Aborted => reason == "IMPORT_OVERTAKEN" || reason == "UPLOAD_NOT_FINISHED",
                _ => false,
            },
            None => true,
        };
        assert!(may_be, "{status:?}");
        let mut failures = self.failures.lock().unwrap();
        *failures.entry(reason).or_default() += 1;
    }
}

/// The running clients.
pub(super) struct Load {
    pub(super) shared: Arc<Shared>,
    threads: JoinSet<()>,
    /// Cancelled when it is dropped.
    stop: DropGuard,
    rng: StdRng,
}

impl Load {
    /// Fills the tenant and starts the clients.
    pub(super) async fn start(scene: &Scene, seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        let tenants = scene.servers.each_ref().map(|server| {
            let endpoint = Endpoint::from_shared(server.clients.url().to_owned()).unwrap();
            // A silent connection is given up.
            let endpoint = endpoint
                .connect_timeout(Duration::from_secs(2))
                .timeout(Duration::from_secs(12))
                .http2_keep_alive_interval(Duration::from_secs(1))
                .keep_alive_timeout(Duration::from_secs(2))
                .keep_alive_while_idle(true);
            Tenant::over(endpoint.connect_lazy(), TENANT)
        });
        let shared = Arc::new(Shared {
            tenants,
            gate: Arc::default(),
            acknowledged: AtomicUsize::new(0),
            failures: Mutex::default(),
            expected: Mutex::default(),
            watched: Default::default(),
        });
        fill(&shared).await;
        let mut load = Self {
            shared,
            threads: JoinSet::new(),
            stop: CancellationToken::new().drop_guard(),
            rng,
        };
        for client in 0..CLIENTS {
            let rng = [(); 3].map(|()| StdRng::seed_from_u64(load.rng.random()));
            let [one, many, segment] = rng;
            load.spawn(move |shared| writers::assign(shared, client, one));
            load.spawn(move |shared| writers::assign_many(shared, client, many));
            load.spawn(move |shared| writers::create(shared, client));
            load.spawn(move |shared| writers::act(shared, client, segment));
            load.spawn(move |shared| imports::import(shared, client));
            load.spawn(imports::stream);
            load.spawn(move |shared| watchers::watch(shared, client));
        }
        load
    }

    /// Runs a client on a thread of its own.
    fn spawn<F: Future<Output = ()>>(
        &mut self,
        client: impl FnOnce(Arc<Shared>) -> F + Send + 'static,
    ) {
        let (shared, stop) = (Arc::clone(&self.shared), self.stop.token().clone());
        let handle = Handle::current();
        self.threads.spawn_blocking(move || {
            let until_stopped = stop.run_until_cancelled(client(shared));
            handle.block_on(until_stopped);
        });
    }

    pub(super) fn random(&mut self, range: Range<u64>) -> u64 {
        self.rng.random_range(range)
    }

    /// Waits until every call under way is acknowledged, and keeps clients from making others.
    pub(super) async fn pause(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.shared.gate).write_owned().await
    }

    /// Fails if a client has found a fault.
    pub(super) fn assert_running(&mut self) {
        while let Some(ended) = self.threads.try_join_next() {
            ended.unwrap();
        }
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    pub(super) fn failures(&self) -> HashMap<String, usize> {
        self.shared.failures.lock().unwrap().clone()
    }

    pub(super) async fn stop(mut self) {
        self.stop.token().cancel();
        while let Some(ended) = self.threads.join_next().await {
            ended.unwrap();
        }
    }
}

/// Contacts that all clients assign, and a group that nobody changes.
async fn fill(shared: &Shared) {
    let mut tenant = shared.tenants[0].clone();
    let ids: Vec<_> = (0..BASE).map(|n| format!("P{n:04}")).collect();
    let persons: Vec<_> = ids.iter().map(|id| person(id, "")).collect();
    tenant.import_contacts(&persons).await;
    tenant.group("BASE").await;
    let pairs: Vec<_> = ids
        .iter()
        .map(|id| (id.clone(), "BASE".to_owned()))
        .collect();
    tenant.import_memberships(&pairs).await;
    let mut expected = shared.expected.lock().unwrap();
    expected.members.insert("BASE".into(), ids.clone());
    expected.contacts = ids;
}
