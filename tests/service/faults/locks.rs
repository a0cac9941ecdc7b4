//! Calls that wait for a tenant's clock: a cancelled call releases it, an expired one ends with
//! DEADLINE_EXCEEDED, and an exhausted pool does not change the health.

use std::time::Duration;

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
    Pool, Server, Sql, Tenant, assert_consistent, company, database, eventually, is_overdue,
    migrate, within,
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
async fn disconnected_callers_release_the_lock_and_their_connections() {
    let mut scene = scene().await;
    for _ in 0..5 {
        let mut calls = scene.assign(4).await;
        eventually(async || (scene.sql.waiting().await > 0).then_some(())).await;
        calls.shutdown().await;
        // The clock is still held.
        scene.sql.until_quiet().await;
    }
    scene.holder.run("ROLLBACK").await;
    within(scene.tenant.assign("A", "MOVE")).await;
    assert_eq!(
        scene.tenant.get_group("MOVE").await.unwrap().contact_count,
        1
    );
    assert_consistent(&scene.server.database_url, "t").await;
}

#[tokio::test]
async fn a_caller_that_disconnects_in_a_transaction_releases_the_tenant_lock() {
    let mut scene = scene().await;
    // The clock is free, but what the transaction writes next is not.
    scene
        .holder
        .run("ROLLBACK; BEGIN; SELECT 1 FROM contacts FOR UPDATE")
        .await;
    let mut calls = scene.assign(1).await;
    scene.sql.until_waiting(1).await;
    calls.shutdown().await;
    // The rows are still locked, so a transaction that continued would keep holding the clock.
    within(scene.tenant.group("GIFT")).await;
    assert_eq!(
        scene.tenant.get_group("MOVE").await.unwrap().contact_count,
        0
    );
    assert_consistent(&scene.server.database_url, "t").await;
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_its_backend() {
    let mut scene = scene().await;
    let mut request = Request::new(AssignMailingGroupRequest {
        contact_id: "A".into(),
        code: "MOVE".into(),
    });
    request.set_timeout(Duration::from_millis(200));
    let call = scene.tenant.groups.assign_mailing_group(request);
    is_overdue(&within(call).await.unwrap_err());
    // The clock is still held.
    scene.sql.until_quiet().await;
}

#[tokio::test]
async fn an_exhausted_pool_is_reported_and_recovers() {
    let mut scene = scene().await;
    let blocker = Sql::lock_contacts(&scene.server.database_url).await;
    let mut calls = JoinSet::new();
    let mut other = Tenant::of(&scene.server, "other").await;
    other.group("MOVE").await;
    // A tenant takes at most half of the connections.
    for mut tenant in [&scene.tenant, &other].repeat(4).into_iter().cloned() {
        calls.spawn(async move {
            let request = ListContactsRequest::default();
            tenant.contacts.list_contacts(request).await.map(drop)
        });
    }
    scene.sql.until_waiting(4).await;
    // The lock is held, so only the end of the wait for a connection can answer this.
    let status = within(scene.tenant.get_group("MOVE")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.get_details_retry_info().is_some());
    // The database is healthy, however long that lasts.
    let mut health = HealthClient::new(scene.server.channel().await);
    for _ in 0..4 {
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
