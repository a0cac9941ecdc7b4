//! The quiet tenant: one call at a time.

use std::time::{Duration, Instant};

use mailing_groups::pb::{
    AssignMailingGroupRequest, CountSegmentMembersRequest, GetContactRequest, Selection,
    SelectionOptions,
};
use tokio::{
    runtime::{Builder, Handle},
    time::timeout,
};

use super::Clients;
use crate::support::figures::{quantile, time};

const CONTACTS: usize = 10_000;

/// A call that takes longer has failed.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The calls that are measured, in turn.
pub(crate) const CALLS: [&str; 3] = ["GetContact", "AssignMailingGroup", "CountSegmentMembers"];

/// The latencies of one kind of call.
#[derive(Default)]
pub(crate) struct Latencies {
    times: Vec<Duration>,
    pub(crate) failed: usize,
}

impl Latencies {
    pub(crate) fn quantile(&self, at: f64) -> f64 {
        quantile(&self.times, at)
    }

    /// The median and the 99th percentile.
    pub(crate) fn show(&self) -> String {
        let [median, p99] =
            [0.5, 0.99].map(|at| time(Duration::from_secs_f64(self.quantile(at).max(0.0))));
        format!("{median} / {p99}")
    }
}

/// The tenant, which calls on a thread of its own: it waits for the service only, not for what the
/// callers of a load do in this program.
pub(crate) struct Quiet {
    thread: Handle,
    caller: Caller,
}

impl Quiet {
    pub(crate) async fn fill(endpoint: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let thread = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        let endpoint = endpoint.to_owned();
        let caller = thread.spawn(async move { Caller::fill(&endpoint).await });
        let caller = caller.await.expect("no panic");
        Self { thread, caller }
    }

    /// Makes the calls in turn for a time.
    pub(crate) async fn measure(&mut self, time: Duration) -> [Latencies; 3] {
        let mut caller = self.caller.clone();
        let measured = self.thread.spawn(async move {
            let latencies = caller.measure(time).await;
            (caller, latencies)
        });
        let (caller, latencies) = measured.await.expect("no panic");
        self.caller = caller;
        latencies
    }

    /// Waits until calls are answered quickly again.
    pub(crate) async fn settle(&self) {
        let mut caller = self.caller.clone();
        let settled = self.thread.spawn(async move { caller.settle().await });
        settled.await.expect("no panic");
    }
}

/// The clients, and which pair is assigned next.
#[derive(Clone)]
struct Caller {
    clients: Clients,
    assigned: usize,
}

impl Caller {
    async fn fill(endpoint: &str) -> Self {
        let mut clients = Clients::connect(endpoint, "quiet").await;
        clients.create_groups("G", 100).await;
        let filled = clients.import_contacts("Q", CONTACTS).await;
        filled.expect("contacts are imported");
        Self {
            clients,
            assigned: 0,
        }
    }

    async fn measure(&mut self, time: Duration) -> [Latencies; 3] {
        let mut latencies = CALLS.map(|_| Latencies::default());
        let start = Instant::now();
        while start.elapsed() < time {
            for (at, latencies) in latencies.iter_mut().enumerate() {
                let sent = Instant::now();
                let answer = timeout(MAX_TIME, self.call(at)).await;
                latencies.times.push(sent.elapsed());
                latencies.failed += usize::from(!matches!(answer, Ok(Ok(()))));
            }
        }
        latencies
    }

    async fn settle(&mut self) {
        let mut quick = 0;
        while quick < 50 {
            let sent = Instant::now();
            let answer = self.call(1).await;
            let is_quick = answer.is_ok() && sent.elapsed() < Duration::from_millis(20);
            quick = if is_quick { quick + 1 } else { 0 };
        }
    }

    async fn call(&mut self, call: usize) -> Result<(), tonic::Status> {
        self.assigned += 1;
        let id = format!("Q{:06}", self.assigned % CONTACTS);
        let code = format!("G{}", self.assigned / CONTACTS % 100);
        match call {
            0 => {
                let request = GetContactRequest { id };
                self.clients.contacts.get_contact(request).await.map(drop)
            }
            1 => {
                let request = AssignMailingGroupRequest {
                    contact_id: id,
                    code,
                };
                let answer = self.clients.groups.assign_mailing_group(request).await;
                answer.map(drop)
            }
            _ => {
                let selection =
                    Selection::of_expression("G0 OR G1 AND NOT G2", SelectionOptions::default());
                let request = CountSegmentMembersRequest {
                    selection: Some(selection),
                };
                let answer = self.clients.groups.count_segment_members(request).await;
                answer.map(drop)
            }
        }
    }
}
