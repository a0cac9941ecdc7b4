//! Which of several hosts is used: the one that allows writes, though the URL does not say so.

use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::Scene;
use crate::support::{Network, Sql, Tenant, company, eventually};

/// A group and a contact, which the standby has too.
async fn fill(scene: &Scene) -> Tenant {
    let mut tenant = scene.tenants[0].clone();
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    scene.pair.until_level().await;
    tenant
}

#[tokio::test]
async fn a_former_primary_that_is_a_standby_now_is_passed_over() {
    let mut scene = Scene::new(1, "").await;
    let mut tenant = fill(&scene).await;
    scene.fail_over().await;
    scene.pair.rejoin().await;
    for code in ["ONE", "TWO"] {
        // All connections are made anew; the standby is the first host of the URL.
        scene.pair.network().set(Network::Refusing);
        eventually(async || tenant.get_group("MOVE").await.err()).await;
        scene.pair.network().set(Network::Up);
        eventually(async || tenant.get_group("MOVE").await.ok()).await;
        tenant.group(code).await;
    }
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_passed_over() {
    let mut scene = Scene::new(1, "").await;
    let tenant = fill(&scene).await;
    scene.pair.network().set(Network::Silent);
    scene.pair.promote().await;
    let mut writer = tenant.clone();
    eventually(async || writer.try_assign("A", "MOVE").await.ok()).await;
    assert_eq!(writer.members("MOVE").await, ["A"]);
}

#[tokio::test]
async fn a_server_without_a_host_that_allows_writes_is_not_ready() {
    let scene = Scene::new(1, "").await;
    let mut tenant = fill(&scene).await;
    let mut health = HealthClient::new(scene.servers[0].channel().await);
    let mut until = async |status: ServingStatus| {
        eventually(async || {
            let answer = health.check(HealthCheckRequest::default()).await.unwrap();
            (answer.into_inner().status() == status).then_some(())
        })
        .await;
    };
    until(ServingStatus::Serving).await;
    let sql = Sql::connect(scene.pair.primary_url()).await;
    for (setting, status) in [
        ("on", ServingStatus::NotServing),
        ("off", ServingStatus::Serving),
    ] {
        let set = format!("ALTER SYSTEM SET default_transaction_read_only = {setting}");
        sql.run(&set).await;
        sql.run("SELECT pg_reload_conf()").await;
        until(status).await;
    }
    eventually(async || tenant.try_assign("A", "MOVE").await.ok()).await;
}
