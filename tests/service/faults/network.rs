//! The network between the service and its database breaks and comes back.

use std::time::{Duration, Instant};

use mailing_groups::server::Limits;
use tonic::{Code, Request, Status, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt;

use crate::support::{
    AT_ONCE, Network, Pool, Proxy, Server, Tenant, company, database, eventually, info, is_overdue,
    migrate, within,
};

const POOL: Pool = Pool {
    connections: 4,
    wait: Duration::from_millis(1_500),
};

/// How long the health may take to tell of a change.
const HEALTH: Duration = Duration::from_secs(2);

struct Scene {
    proxy: Proxy,
    tenant: Tenant,
    health: HealthClient<Channel>,
}

/// A server with a group and a contact, whose connections to the database are all open.
async fn scene() -> Scene {
    let url = database().await;
    migrate(&url).await;
    let proxy = Proxy::before(&url).await;
    let server = Server::via(proxy.url(), &url, POOL, Limits::default()).await;
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
    /// Reads as often at a time as there are connections.
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

    /// Waits until the health is so; how long that took.
    async fn until(&mut self, status: ServingStatus) -> Duration {
        let began = Instant::now();
        eventually(async || {
            let request = HealthCheckRequest::default();
            let answer = self.health.check(request).await.unwrap().into_inner();
            (answer.status() == status).then_some(())
        })
        .await;
        began.elapsed()
    }
}

/// A status that says: come back soon.
fn is_away(status: &Status) {
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(info(status).reason, "DATABASE_UNAVAILABLE");
    assert!(status.get_details_retry_info().is_some());
}

#[tokio::test]
async fn a_cut_network_is_told_at_once_and_heals_without_a_restart() {
    let mut scene = scene().await;
    scene.until(ServingStatus::Serving).await;
    scene.proxy.set(Network::Refusing);
    for _ in 0..8 {
        let began = Instant::now();
        is_away(&scene.tenant.get_contact("A").await.unwrap_err());
        is_away(&scene.tenant.try_assign("A", "MOVE").await.unwrap_err());
        assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    }
    assert!(scene.until(ServingStatus::NotServing).await < HEALTH + AT_ONCE);
    scene.proxy.set(Network::Up);
    // At once, on every connection, whatever the health says yet.
    scene.open_all().await;
    scene.tenant.assign("A", "MOVE").await;
    assert!(scene.until(ServingStatus::Serving).await < HEALTH + AT_ONCE);
}

#[tokio::test]
async fn connections_that_died_in_the_pool_fail_no_call() {
    let mut scene = scene().await;
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
async fn a_silent_network_holds_nobody_beyond_the_deadline_and_heals() {
    let mut scene = scene().await;
    scene.until(ServingStatus::Serving).await;
    scene.proxy.set(Network::Silent);
    // Who is under way learns it by the deadline.
    let deadline = Duration::from_millis(400);
    let began = Instant::now();
    let mut read = Request::new(mailing_groups::pb::GetContactRequest { id: "A".into() });
    read.set_timeout(deadline);
    let status = scene.tenant.contacts.get_contact(read).await.unwrap_err();
    is_overdue(&status);
    assert!(
        began.elapsed() < deadline + AT_ONCE,
        "{:?}",
        began.elapsed()
    );
    // Once the silence is noticed, everybody who comes is told.
    assert!(scene.until(ServingStatus::NotServing).await < HEALTH + AT_ONCE);
    let mut calls: tokio::task::JoinSet<_> = std::iter::repeat_with(|| {
        let mut tenant = scene.tenant.clone();
        async move {
            let began = Instant::now();
            is_away(&tenant.get_contact("A").await.unwrap_err());
            began.elapsed()
        }
    })
    .take(20)
    .collect();
    while let Some(took) = calls.join_next().await {
        // Who comes while others wait for a connection may wait for them first.
        assert!(took.unwrap() < 2 * POOL.wait + AT_ONCE);
    }
    scene.proxy.set(Network::Up);
    scene.open_all().await;
    scene.tenant.assign("A", "MOVE").await;
    assert!(scene.until(ServingStatus::Serving).await < HEALTH + AT_ONCE);
}

#[tokio::test]
async fn a_slow_network_makes_calls_slow_but_not_fail() {
    let mut scene = scene().await;
    scene.proxy.set(Network::Slow(Duration::from_millis(30)));
    let work = async {
        scene.open_all().await;
        scene.tenant.assign("A", "MOVE").await;
        assert_eq!(scene.tenant.members("MOVE").await, ["A"]);
    };
    within(Duration::from_secs(15), work).await;
    assert!(scene.until(ServingStatus::Serving).await < HEALTH + AT_ONCE);
}
