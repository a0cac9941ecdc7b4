//! Calls that wait for a tenant's clock: who leaves frees it, whose time is up is told, and a
//! pool that is used up is no illness.

use std::time::{Duration, Instant};

use mailing_groups::{
    pb::{AssignMailingGroupRequest, ListContactsRequest},
    server::Limits,
};
use tokio::task::JoinSet;
use tonic::{Code, Request};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt;

use crate::support::{
    AT_ONCE, Pool, Server, Sql, Tenant, company, database, eventually, is_overdue, migrate,
};

const POOL: Pool = Pool {
    connections: 4,
    wait: Duration::from_millis(500),
};

struct Scene {
    server: Server,
    tenant: Tenant,
    sql: Sql,
    /// Holds the tenant's clock.
    holder: Sql,
}

async fn scene() -> Scene {
    let url = database().await;
    migrate(&url).await;
    let server = Server::via(&url, &url, POOL, Limits::default()).await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    let sql = Sql::connect(&url).await;
    let holder = Sql::connect(&url).await;
    holder.hold_clock("t").await;
    Scene {
        server,
        tenant,
        sql,
        holder,
    }
}

impl Scene {
    /// Starts assignments, which wait for the clock.
    async fn assign(&self, calls: usize) -> JoinSet<Result<(), tonic::Status>> {
        let mut waiting = JoinSet::new();
        for _ in 0..calls {
            let mut tenant = self.tenant.clone();
            waiting.spawn(async move { tenant.try_assign("A", "MOVE").await.map(drop) });
        }
        waiting
    }
}

#[tokio::test]
async fn callers_who_vanish_free_the_lock_and_their_connections() {
    let mut scene = scene().await;
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let mut calls = scene.assign(4).await;
        eventually(async || (scene.sql.waiting().await > 0).then_some(())).await;
        let gone = Instant::now();
        calls.shutdown().await;
        scene.sql.until_quiet().await;
        fastest = fastest.min(gone.elapsed());
    }
    // The fastest, because the machine is busy with other tests.
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");
    scene.holder.run("ROLLBACK").await;
    let began = Instant::now();
    scene.tenant.assign("A", "MOVE").await;
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    assert_eq!(
        scene.tenant.get_group("MOVE").await.unwrap().contact_count,
        1
    );
}

#[tokio::test]
async fn a_caller_who_vanishes_in_the_midst_of_a_transaction_frees_the_clock() {
    let mut scene = scene().await;
    // The clock is free, but what the transaction writes next is not.
    scene
        .holder
        .run("ROLLBACK; BEGIN; SELECT 1 FROM contacts FOR UPDATE")
        .await;
    let mut calls = scene.assign(1).await;
    scene.sql.until_waiting(1).await;
    calls.shutdown().await;
    let gone = Instant::now();
    scene.tenant.group("GIFT").await;
    assert!(gone.elapsed() < AT_ONCE, "{:?}", gone.elapsed());
    assert_eq!(
        scene.tenant.get_group("MOVE").await.unwrap().contact_count,
        0
    );
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_its_backend() {
    let mut scene = scene().await;
    let deadline = Duration::from_millis(200);
    let mut request = Request::new(AssignMailingGroupRequest {
        contact_id: "A".into(),
        code: "MOVE".into(),
    });
    request.set_timeout(deadline);
    let began = Instant::now();
    let status = scene
        .tenant
        .groups
        .assign_mailing_group(request)
        .await
        .unwrap_err();
    let took = began.elapsed();
    is_overdue(&status);
    assert!(took < deadline + AT_ONCE, "{took:?}");
    assert!(scene.sql.until_quiet().await < AT_ONCE);
}

#[tokio::test]
async fn a_used_up_pool_is_told_soon_and_recovers() {
    let mut scene = scene().await;
    let blocker = Sql::lock_contacts(&scene.server.database_url).await;
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let mut tenant = scene.tenant.clone();
        calls.spawn(async move {
            let request = ListContactsRequest::default();
            tenant.contacts.list_contacts(request).await.map(drop)
        });
    }
    scene.sql.until_waiting(4).await;
    let began = Instant::now();
    let status = scene.tenant.get_group("MOVE").await.unwrap_err();
    let took = began.elapsed();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.get_details_retry_info().is_some());
    assert!(took < 2 * POOL.wait + AT_ONCE, "{took:?}");
    // The database is well, however long that lasts.
    let mut health = HealthClient::new(scene.server.channel().await);
    while began.elapsed() < Duration::from_secs(2) {
        let check = health.check(HealthCheckRequest::default()).await.unwrap();
        assert_eq!(check.into_inner().status(), ServingStatus::Serving);
        scene.tenant.get_group("MOVE").await.unwrap_err();
    }
    drop(blocker);
    eventually(async || scene.tenant.get_group("MOVE").await.ok()).await;
    while let Some(outcome) = calls.join_next().await {
        if let Err(status) = outcome.unwrap() {
            assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        }
    }
}
