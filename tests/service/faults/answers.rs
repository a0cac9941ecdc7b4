//! The answer to a commit is lost: the network is cut after it reached PostgreSQL. Every call then finds
//! out what really happened, and answers that.

use std::time::Duration;

use mailing_groups::{
    pb::{
        self, BatchAssignMailingGroupsRequest, CreateContactRequest,
        import_contacts_request as import,
    },
    server::Limits,
};
use tonic::{Code, Request};
use tonic_types::StatusExt;

use crate::support::{
    Network, Pool, Proxy, Server, Sql, Tenant, assert_consistent, assignment, company, database,
    eventually, migrate, person, steps::STEPS,
};

/// One connection, so that it is known which one is cut.
const POOL: Pool = Pool {
    connections: 1,
    wait: Duration::from_secs(30),
};

async fn scene() -> (Proxy, Tenant, Sql, String) {
    let url = database().await;
    migrate(&url).await;
    let proxy = Proxy::before(&url).await;
    let server = Server::via(proxy.url(), &url, POOL, Limits::default()).await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    (proxy, tenant, Sql::connect(&url).await, url)
}

#[tokio::test]
async fn every_call_answers_what_happened_and_nothing_happens_twice() {
    let (proxy, mut tenant, _, url) = scene().await;
    tenant.group("OTHER").await;
    let mut revision = tenant.assign("A", "MOVE").await.revision;
    for round in 0..8 {
        for (name, step) in STEPS {
            // A statement that is a transaction by itself, once it is prepared.
            let is_lone = name.ends_with("assign_mailing_group");
            if is_lone {
                tenant.assign("A", "MOVE").await;
                tenant.unassign("A", "OTHER").await.unwrap();
            }
            proxy.set(match is_lone {
                true => Network::CutAnswersOnce,
                false => Network::CutAfterCommit,
            });
            let answered = step(&mut tenant, round.to_string(), String::new()).await;
            proxy.set(Network::Up);
            revision += 1;
            assert_eq!(
                answered.map(|it| it.0).map_err(|it| it.to_string()),
                Ok(revision),
                "{name}"
            );
        }
    }
    assert_consistent(&url, "t").await;
}

#[tokio::test]
async fn a_chunk_of_an_import_is_committed_once() {
    let (proxy, mut tenant, sql, url) = scene().await;
    proxy.set(Network::CutAfterCommit);
    let messages = [
        import::Message::Start(import::Start::default()),
        import::Message::Chunk(import::Chunk {
            contacts: vec![person("P1", ""), person("P2", "A")],
        }),
        import::Message::Finish(import::Finish {}),
    ];
    let messages = messages.map(|message| pb::ImportContactsRequest {
        message: Some(message),
    });
    let answers = tenant
        .contacts
        .import_contacts(tokio_stream::iter(messages));
    let mut answers = answers.await.unwrap().into_inner();
    while answers.message().await.unwrap().is_some() {}
    proxy.set(Network::Up);
    assert_eq!(
        sql.number("SELECT max(revision) FROM revisions", &[]).await,
        3
    );
    assert_consistent(&url, "t").await;
}

/// A request whose outcome is not known at its deadline, because the database stays away.
async fn unknown<T>(mut request: Request<T>, proxy: &Proxy) -> Request<T> {
    // Enough for a busy machine to come to the commit.
    request.set_timeout(Duration::from_secs(6));
    proxy.set(Network::DownAfterCommit);
    request
}

#[tokio::test]
async fn a_repeated_request_id_has_one_effect() {
    let (proxy, mut tenant, sql, _) = scene().await;
    let request = BatchAssignMailingGroupsRequest {
        assignments: vec![assignment("A", "MOVE"), assignment("NIX", "MOVE")],
        request_id: "once".into(),
        ..Default::default()
    };
    let first = unknown(Request::new(request.clone()), &proxy).await;
    let status = tenant
        .groups
        .batch_assign_mailing_groups(first)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.reason, "COMMIT_OUTCOME_UNKNOWN");
    assert!(status.get_details_retry_info().is_some());
    proxy.set(Network::Up);
    let members = "SELECT count(*) FROM memberships";
    eventually(async || (sql.number(members, &[]).await == 1).then_some(())).await;
    let again = tenant.groups.batch_assign_mailing_groups(request).await;
    let again = again.unwrap().into_inner();
    assert_eq!((again.changed_count, again.revision), (1, 3));
    assert_eq!(
        sql.number("SELECT max(revision) FROM revisions", &[]).await,
        3
    );
}

#[tokio::test]
async fn an_idempotent_call_can_be_retried_without_a_request_id() {
    let (proxy, mut tenant, _, _) = scene().await;
    let request = BatchAssignMailingGroupsRequest {
        assignments: vec![assignment("A", "MOVE")],
        ..Default::default()
    };
    let first = unknown(Request::new(request), &proxy).await;
    let outcome = tenant.groups.batch_assign_mailing_groups(first).await;
    let status = outcome.unwrap_err();
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "COMMIT_OUTCOME_UNKNOWN"
    );
    assert!(status.get_details_retry_info().is_some(), "{status:?}");
}

#[tokio::test]
async fn a_call_without_a_request_id_is_not_to_be_retried_blindly() {
    let (proxy, mut tenant, sql, _) = scene().await;
    let request = CreateContactRequest {
        contact: Some(pb::Contact {
            id: String::new(),
            ..company("X")
        }),
        ..Default::default()
    };
    let first = unknown(Request::new(request), &proxy).await;
    let status = tenant.contacts.create_contact(first).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.get_details_retry_info().is_none(), "{status:?}");
    proxy.set(Network::Up);
    let contacts = "SELECT count(*) FROM contacts";
    eventually(async || (sql.number(contacts, &[]).await == 2).then_some(())).await;
}
