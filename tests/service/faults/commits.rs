//! The network is cut after a COMMIT has reached PostgreSQL, before its response.

use std::time::Duration;

use mailing_groups::{
    pb::{self, BatchAssignMailingGroupsRequest, CreateContactRequest},
    server::Limits,
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::{
    Network, Pool, Proxy, Server, Sql, Tenant, assignment, company, database, eventually, migrate,
};

/// One connection, so that it is known which one is cut.
const POOL: Pool = Pool {
    connections: 1,
    wait: Duration::from_secs(2),
};

async fn scene() -> (Proxy, Tenant, Sql) {
    let url = database().await;
    migrate(&url).await;
    let proxy = Proxy::before(&url).await;
    let server = Server::via(proxy.url(), &url, POOL, Limits::default()).await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    (proxy, tenant, Sql::connect(&url).await)
}

#[tokio::test]
async fn a_retry_with_the_same_request_id_has_one_effect() {
    let (proxy, mut tenant, sql) = scene().await;
    let request = BatchAssignMailingGroupsRequest {
        assignments: vec![assignment("A", "MOVE"), assignment("NIX", "MOVE")],
        request_id: "once".into(),
    };
    proxy.set(Network::CutAfterCommit);
    let status = tenant
        .groups
        .batch_assign_mailing_groups(request.clone())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.get_details_retry_info().is_some());
    proxy.set(Network::Up);
    let members = "SELECT count(*) FROM memberships";
    eventually(async || (sql.number(members, &[]).await == 1).then_some(())).await;
    let again = tenant
        .groups
        .batch_assign_mailing_groups(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((again.changed_count, again.revision), (1, 3));
    assert_eq!(
        sql.number("SELECT max(revision) FROM revisions", &[]).await,
        3
    );
    assert_eq!(tenant.get_group("MOVE").await.unwrap().contact_count, 1);
}

#[tokio::test]
async fn a_contact_of_the_series_is_created_once() {
    let (proxy, mut tenant, sql) = scene().await;
    let request = CreateContactRequest {
        contact: Some(pb::Contact {
            id: String::new(),
            ..company("")
        }),
        request_id: "once".into(),
    };
    proxy.set(Network::CutAfterCommit);
    let status = tenant
        .contacts
        .create_contact(request.clone())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    proxy.set(Network::Up);
    let contacts = "SELECT count(*) FROM contacts";
    eventually(async || (sql.number(contacts, &[]).await == 2).then_some(())).await;
    let again = tenant
        .contacts
        .create_contact(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again.contact.unwrap().id, "CT000001");
    assert_eq!(sql.number(contacts, &[]).await, 2);
}

/// A lone assignment may be one statement and thereby a transaction, without a `COMMIT`.
#[tokio::test]
async fn a_retried_assignment_succeeds() {
    let (proxy, mut tenant, sql) = scene().await;
    tenant.group("GIFT").await;
    // From here on the statement is prepared on the one connection.
    tenant.assign("A", "GIFT").await;
    proxy.set(Network::CutAnswers);
    let status = tenant.try_assign("A", "MOVE").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    proxy.set(Network::Up);
    sql.until_quiet().await;
    let again = tenant.assign("A", "MOVE").await;
    assert_eq!(again.revision, 5);
    assert_eq!(tenant.assign("A", "MOVE").await.revision, 5);
    assert_eq!(tenant.get_group("MOVE").await.unwrap().contact_count, 1);
}
