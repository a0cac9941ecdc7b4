//! Failures and recovery of the network between the service and its database.

use std::time::Duration;

use mailing_groups::server::Limits;
use tonic::{Code, Request, Status, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt;

use crate::support::{
    Network, Pool, Proxy, Server, Tenant, company, database, eventually, info, is_overdue, migrate,
    within,
};

/// Longer than anything takes here, so that a call that waited for a connection is not among those
/// that are answered.
const LONG: Duration = Duration::from_secs(30);

struct Scene {
    proxy: Proxy,
    tenant: Tenant,
    health: HealthClient<Channel>,
}

/// A server with a group and a contact, whose connections to the database are all open. A call
/// waits for one of them for up to `wait`.
async fn scene(wait: Duration) -> Scene {
    let pool = Pool {
        connections: 4,
        wait,
    };
    let url = database().await;
    migrate(&url).await;
    let proxy = Proxy::before(&url).await;
    let server = Server::via(proxy.url(), &url, pool, Limits::default()).await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    let health = HealthClient::new(server.channel().await);
    let scene = Scene {
        proxy,
        tenant,
        health,
    };
    scene.open_all().await;
    scene
}

impl Scene {
    /// Makes as many concurrent reads as there are connections.
    async fn open_all(&self) {
        let mut reads: tokio::task::JoinSet<_> = std::iter::repeat_with(|| {
            let mut tenant = self.tenant.clone();
            async move { tenant.get_contact("A").await.unwrap() }
        })
        .take(16)
        .collect();
        while let Some(read) = reads.join_next().await {
            read.unwrap();
        }
    }

    /// Waits for this health.
    async fn until(&mut self, status: ServingStatus) {
        eventually(async || {
            let request = HealthCheckRequest::default();
            let answer = self.health.check(request).await.unwrap().into_inner();
            (answer.status() == status).then_some(())
        })
        .await;
    }
}

/// Whether a status is UNAVAILABLE with a retry delay.
fn is_away(status: &Status) {
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(info(status).reason, "DATABASE_UNAVAILABLE");
    assert!(status.get_details_retry_info().is_some());
}

#[tokio::test]
async fn a_cut_network_fails_fast_and_recovers_without_a_restart() {
    let mut scene = scene(LONG).await;
    scene.until(ServingStatus::Serving).await;
    scene.proxy.set(Network::Refusing);
    for _ in 0..8 {
        let began = std::time::Instant::now();
        is_away(&scene.tenant.get_contact("A").await.unwrap_err());
        is_away(&scene.tenant.try_assign("A", "MOVE").await.unwrap_err());
        assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
    }
    scene.until(ServingStatus::NotServing).await;
    scene.proxy.set(Network::Up);
    // On every connection, before the health is good again.
    scene.open_all().await;
    scene.tenant.assign("A", "MOVE").await;
    scene.until(ServingStatus::Serving).await;
}

#[tokio::test]
async fn broken_pooled_connections_fail_no_call() {
    let mut scene = scene(LONG).await;
    for _ in 0..3 {
        scene.open_all().await;
        scene.proxy.set(Network::Refusing);
        scene.until(ServingStatus::NotServing).await;
        scene.proxy.set(Network::Up);
        scene.open_all().await;
        scene.tenant.assign("A", "MOVE").await;
        scene.until(ServingStatus::Serving).await;
    }
}

#[tokio::test]
async fn calls_over_a_silent_network_end_at_their_deadline_and_it_recovers() {
    let mut scene = scene(Duration::from_millis(1_500)).await;
    scene.until(ServingStatus::Serving).await;
    scene.proxy.set(Network::Silent);
    // A call that is under way ends by its deadline.
    let deadline = Duration::from_millis(400);
    let mut read = Request::new(mailing_groups::pb::GetContactRequest { id: "A".into() });
    read.set_timeout(deadline);
    let read = scene.tenant.contacts.get_contact(read);
    is_overdue(&within(read).await.unwrap_err());
    // Once the silence is noticed, every new call is answered.
    scene.until(ServingStatus::NotServing).await;
    let mut calls: tokio::task::JoinSet<_> = std::iter::repeat_with(|| {
        let mut tenant = scene.tenant.clone();
        async move { is_away(&within(tenant.get_contact("A")).await.unwrap_err()) }
    })
    .take(20)
    .collect();
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    scene.proxy.set(Network::Up);
    scene.open_all().await;
    scene.tenant.assign("A", "MOVE").await;
    scene.until(ServingStatus::Serving).await;
}

#[tokio::test]
async fn a_slow_network_fails_no_call() {
    let mut scene = scene(LONG).await;
    scene.proxy.set(Network::Slow(Duration::from_millis(30)));
    let work = async {
        scene.open_all().await;
        scene.tenant.assign("A", "MOVE").await;
        assert_eq!(scene.tenant.members("MOVE").await, ["A"]);
    };
    within(work).await;
    scene.until(ServingStatus::Serving).await;
}
