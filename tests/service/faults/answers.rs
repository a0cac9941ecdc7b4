//! The answer to a commit is lost: the network is cut after it reached PostgreSQL. Every call then finds
//! out what really happened, and answers that.

use std::time::Duration;

use futures_util::future::BoxFuture;
use mailing_groups::{
    pb::{
        self, BatchAssignMailingGroupsRequest, CreateContactRequest,
        import_contacts_request as import,
    },
    server::Limits,
};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::support::{
    Network, Pool, Proxy, Server, Sql, Tenant, assert_consistent, assignment, company, database,
    eventually, mask, migrate, new_group, pairs, person,
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

/// A call that changes something; its revision.
type Step = for<'t> fn(&'t mut Tenant, String) -> BoxFuture<'t, Result<i64, Status>>;

macro_rules! steps {
    ($($client:ident.$rpc:ident($n:ident => $request:expr),)*) => {
        &[$((stringify!($rpc), |tenant, $n| Box::pin(async move {
            let request = { use pb::*; $request };
            Ok(tenant.$client.$rpc(request).await?.into_inner().revision)
        }))),*]
    };
}

fn group(code: String) -> Option<pb::MailingGroup> {
    Some(new_group(&code, "x"))
}

/// Every call that changes something, in an order in which each does; `n` is different each round.
const STEPS: &[(&str, Step)] = steps![
    groups.create_mailing_group(n => CreateMailingGroupRequest {
        mailing_group: group(format!("G{n}")), ..Default::default()
    }),
    groups.update_mailing_group(n => UpdateMailingGroupRequest {
        mailing_group: Some(new_group(&format!("G{n}"), "other")), ..Default::default()
    }),
    groups.rename_mailing_group(n => RenameMailingGroupRequest {
        code: format!("G{n}"), new_code: format!("H{n}"), ..Default::default()
    }),
    contacts.create_contact(n => CreateContactRequest {
        contact: Some(person(&format!("P{n}"), "A")), ..Default::default()
    }),
    contacts.create_contact(n => CreateContactRequest {
        contact: Some(company(&format!("C{n}"))), ..Default::default()
    }),
    contacts.create_contact(n => CreateContactRequest {
        contact: Some(company(&format!("D{n}"))), ..Default::default()
    }),
    contacts.update_contact(n => UpdateContactRequest {
        contact: Some(Contact { name: "Other".into(), ..person(&format!("P{n}"), "") }),
        update_mask: mask(&["name"]), ..Default::default()
    }),
    groups.assign_mailing_group(n => AssignMailingGroupRequest {
        contact_id: format!("P{n}"), code: "MOVE".into()
    }),
    groups.unassign_mailing_group(n => UnassignMailingGroupRequest {
        contact_id: format!("P{n}"), code: "MOVE".into()
    }),
    groups.batch_assign_mailing_groups(n => BatchAssignMailingGroupsRequest {
        assignments: pairs(&[(&format!("P{n}"), "MOVE"), (&format!("C{n}"), "MOVE")]),
        ..Default::default()
    }),
    groups.batch_unassign_mailing_groups(n => BatchUnassignMailingGroupsRequest {
        assignments: pairs(&[(&format!("P{n}"), "MOVE")]), ..Default::default()
    }),
    groups.replace_contact_mailing_groups(n => ReplaceContactMailingGroupsRequest {
        contact_id: format!("P{n}"), codes: vec![format!("H{n}")], ..Default::default()
    }),
    segments.create_segment(n => CreateSegmentRequest {
        segment: Some(Segment { id: format!("S{n}"), ..Default::default() }), ..Default::default()
    }),
    segments.update_segment(n => UpdateSegmentRequest {
        segment: Some(Segment {
            id: format!("S{n}"), description: "other".into(), ..Default::default()
        }),
        ..Default::default()
    }),
    segments.add_contacts(n => AddContactsRequest {
        segment_id: format!("S{n}"), expression: "*".into(), ..Default::default()
    }),
    segments.reduce_contacts(n => ReduceContactsRequest {
        segment_id: format!("S{n}"), expression: "MOVE".into(), ..Default::default()
    }),
    segments.refine_contacts(n => RefineContactsRequest {
        segment_id: format!("S{n}"), expression: format!("H{n}"), ..Default::default()
    }),
    segments.go_back(n => GoBackRequest { segment_id: format!("S{n}"), ..Default::default() }),
    segments.save_criteria(n => SaveCriteriaRequest {
        segment_id: format!("S{n}"), code: format!("K{n}"), ..Default::default()
    }),
    segments.replay_criteria(n => ReplayCriteriaRequest {
        segment_id: format!("S{n}"), code: format!("K{n}"), ..Default::default()
    }),
    segments.delete_saved_criteria(n => DeleteSavedCriteriaRequest { code: format!("K{n}") }),
    segments.apply_mailing_group(n => ApplyMailingGroupRequest {
        code: format!("H{n}"),
        segment_id: format!("S{n}"), ..Default::default()
    }),
    contacts.merge_contacts(n => MergeContactsRequest {
        kept_id: format!("C{n}"), merged_id: format!("D{n}")
    }),
    contacts.delete_contact(n => DeleteContactRequest {
        id: format!("P{n}"), force: true, ..Default::default()
    }),
    segments.delete_segment(n => DeleteSegmentRequest { id: format!("S{n}"), ..Default::default() }),
    groups.delete_mailing_group(n => DeleteMailingGroupRequest {
        code: format!("H{n}"), force: true, ..Default::default()
    }),
];

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
            let answered = step(&mut tenant, round.to_string()).await;
            proxy.set(Network::Up);
            revision += 1;
            assert_eq!(
                answered.map_err(|it| it.to_string()),
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
    request.set_timeout(Duration::from_secs(2));
    proxy.set(Network::DownAfterCommit);
    request
}

#[tokio::test]
async fn a_repeated_request_id_has_one_effect() {
    let (proxy, mut tenant, sql, _) = scene().await;
    let request = BatchAssignMailingGroupsRequest {
        assignments: vec![assignment("A", "MOVE"), assignment("NIX", "MOVE")],
        request_id: "once".into(),
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
