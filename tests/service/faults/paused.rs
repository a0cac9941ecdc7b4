//! The database pauses under calls with short deadlines: once it goes on, calls succeed again soon,
//! although those that were under way have filled every queue.

use std::time::Duration;

use mailing_groups::{
    pb::{CountSegmentMembersRequest, Selection, SelectionOptions},
    server::Limits,
};
use tokio::{sync::mpsc, time::interval};
use tokio_util::task::AbortOnDropHandle;
use tonic::Request;

use crate::support::{Network, Pool, Proxy, Server, Tenant, database, migrate, person, within};

/// Between two calls: some hundred a second.
const INTERVAL: Duration = Duration::from_millis(3);

const DEADLINE: Duration = Duration::from_millis(100);

/// So many calls in a row are judged together: a third of a second.
const CALLS: usize = 100;

/// Counts members at a steady rate.
struct Load {
    succeeded: mpsc::UnboundedReceiver<bool>,
    _calls: AbortOnDropHandle<()>,
}

impl Load {
    fn start(tenant: &Tenant) -> Self {
        let (sender, succeeded) = mpsc::unbounded_channel();
        let tenant = tenant.clone();
        let calls = async move {
            let mut interval = interval(INTERVAL);
            loop {
                interval.tick().await;
                let (mut tenant, sender) = (tenant.clone(), sender.clone());
                tokio::spawn(async move { sender.send(count(&mut tenant).await) });
            }
        };
        Self {
            succeeded,
            _calls: AbortOnDropHandle::new(tokio::spawn(calls)),
        }
    }

    /// Waits for calls of which so many succeed.
    async fn until(&mut self, is_enough: impl Fn(usize) -> bool) {
        let judged = async {
            loop {
                let mut calls = Vec::new();
                while calls.len() < CALLS {
                    calls.push(self.succeeded.recv().await.unwrap());
                }
                if is_enough(calls.into_iter().filter(|it| *it).count()) {
                    return;
                }
            }
        };
        within(judged).await;
    }
}

async fn count(tenant: &mut Tenant) -> bool {
    let selection = Selection::of_expression("A OR B AND NOT C", SelectionOptions::default());
    let mut request = Request::new(CountSegmentMembersRequest {
        selection: Some(selection),
    });
    request.set_timeout(DEADLINE);
    tenant.groups.count_segment_members(request).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_with_short_deadlines_succeed_again_after_a_pause() {
    let url = database().await;
    migrate(&url).await;
    let proxy = Proxy::before(&url).await;
    let server = Server::via(proxy.url(), &url, Pool::default(), Limits::default()).await;
    let mut tenant = Tenant::of(&server, "t").await;
    for code in ["A", "B", "C"] {
        tenant.group(code).await;
    }
    tenant.create(person("P", "")).await;
    tenant.assign("P", "A").await;
    let mut load = Load::start(&tenant);
    load.until(|succeeded| succeeded >= CALLS * 95 / 100).await;
    proxy.set(Network::Held);
    for _ in 0..3 {
        load.until(|succeeded| succeeded == 0).await;
    }
    proxy.set(Network::Up);
    load.until(|succeeded| succeeded >= CALLS * 95 / 100).await;
    assert_eq!(tenant.members("A OR B AND NOT C").await, ["P"]);
}
