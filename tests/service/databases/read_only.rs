//! A database that refuses writes.

use mailing_groups::api;
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{parts, refusal, start};
use crate::support::{
    Program, Sql, company, database, eventually, migrate, program::command, scratch, within,
};

/// Waits until the server as a whole and each of its services have this health.
async fn becomes(health: &HealthClient<Channel>, expected: ServingStatus) {
    for service in [""].iter().chain(&api::SERVICES) {
        eventually(async || {
            let service = (*service).to_owned();
            let check = health.clone().check(HealthCheckRequest { service }).await;
            (check.unwrap().into_inner().status() == expected).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_database_that_becomes_read_only_is_not_serving_and_comes_back() {
    let url = database().await;
    let (name, _) = parts(&url);
    let sql = Sql::connect(&url).await;
    let mut service = start(&url, &[]).await;
    service.tenant.group("MOVE").await;
    let health = HealthClient::new(service.channel.clone());
    becomes(&health, ServingStatus::Serving).await;

    // Concerns new sessions only.
    sql.run(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ))
    .await;
    becomes(&health, ServingStatus::NotServing).await;
    // As the sessions that began meanwhile.
    sql.run(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'mailing-groups'",
    )
    .await;
    let refused = within(service.tenant.try_create(company("A")))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    service.tenant.get_group("MOVE").await.unwrap();

    sql.run(&format!(
        "ALTER DATABASE {name} RESET default_transaction_read_only"
    ))
    .await;
    becomes(&health, ServingStatus::Serving).await;
    // A session from before may still be among the connections, until its first refusal.
    eventually(async || service.tenant.try_create(company("A")).await.ok()).await;
    let log = service.program.log();
    let reason = "not ready: the database is read-only";
    assert_eq!(log.matches(reason).count(), 1, "{log}");
}

#[tokio::test]
async fn a_start_on_a_read_only_database_says_why_it_is_not_ready() {
    let url = database().await;
    migrate(&url).await;
    let (name, _) = parts(&url);
    let sql = Sql::connect(&url).await;
    sql.run(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ))
    .await;
    let folder = scratch();
    let mut program = Program::spawn(folder.path(), &["--database-url", &url]);
    let reason = "not ready: the database is read-only";
    eventually(async || program.log().contains(reason).then_some(())).await;
    sql.run(&format!(
        "ALTER DATABASE {name} RESET default_transaction_read_only"
    ))
    .await;
    program.address().await;
    assert_eq!(
        program.log().matches(reason).count(),
        1,
        "{}",
        program.log()
    );
}

#[tokio::test]
async fn a_database_whose_tables_vanish_is_not_serving() {
    let url = database().await;
    let service = start(&url, &[]).await;
    let health = HealthClient::new(service.channel.clone());
    becomes(&health, ServingStatus::Serving).await;
    let sql = Sql::connect(&url).await;
    sql.run("ALTER SCHEMA public RENAME TO away; CREATE SCHEMA public")
        .await;
    becomes(&health, ServingStatus::NotServing).await;
    sql.run("DROP SCHEMA public; ALTER SCHEMA away RENAME TO public")
        .await;
    becomes(&health, ServingStatus::Serving).await;
    let log = service.program.log();
    assert_eq!(
        log.matches("not ready: the tables cannot be read").count(),
        1,
        "{log}"
    );
}

#[tokio::test]
async fn a_read_only_database_is_not_migrated() {
    let url = database().await;
    let (name, _) = parts(&url);
    let sql = Sql::connect(&url).await;
    sql.run(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ))
    .await;
    let migrated = command(["migrate", "--database-url", &url])
        .output()
        .unwrap();
    let error = String::from_utf8(migrated.stderr).unwrap();
    assert!(!migrated.status.success());
    assert!(error.contains("is read-only, and its tables"), "{error}");
    let refusal = refusal(&url, &["--no-migrate"]).await;
    assert!(refusal.contains("the tables are missing"), "{refusal}");
}
