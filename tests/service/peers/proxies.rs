//! Uploads of many small messages through a proxy, and other calls of the same connection.

use std::{
    fmt::Debug,
    iter::once,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use futures_util::future::join_all;
use mailing_groups::pb::{
    self, import_contacts_request::Message as ToContacts,
    import_memberships_request::Message as ToMemberships,
};
use tokio::task::JoinHandle;
use tonic::{Response, Status, Streaming};

use super::proxy::Proxy;
use crate::support::{
    Server, Sql, Tenant, contact_chunk, eventually, membership_chunk, one_by_one, pairs, person,
    reach, within,
};

const ITEMS: usize = 20_000;

fn contacts(count: usize) -> impl Send + Iterator<Item = pb::ImportContactsRequest> {
    let chunks = (0..count).map(|n| contact_chunk(vec![person(&format!("P{n}"), "")]));
    once(ToContacts::Start(Default::default()))
        .chain(chunks)
        .chain(once(ToContacts::Finish(Default::default())))
        .map(|message| pb::ImportContactsRequest {
            message: Some(message),
        })
}

fn memberships() -> impl Send + Iterator<Item = pb::ImportMembershipsRequest> {
    let chunks = (0..ITEMS).map(|n| membership_chunk(pairs(&[(&format!("P{n}"), "MOVE")])));
    once(ToMemberships::Start(Default::default()))
        .chain(chunks)
        .chain(once(ToMemberships::Finish(Default::default())))
        .map(|message| pb::ImportMembershipsRequest {
            message: Some(message),
        })
}

/// The messages of an upload with these chunks, for grpcurl.
fn json(chunk: impl Fn(usize) -> String) -> impl Iterator<Item = String> {
    let chunks = (0..ITEMS).map(move |n| format!(r#"{{"chunk":{{{}}}}}"#, chunk(n)));
    once(r#"{"start":{}}"#.to_owned())
        .chain(chunks)
        .chain(once(r#"{"finish":{}}"#.to_owned()))
}

/// The last answer to an upload.
async fn last<M: Debug>(answers: Result<Response<Streaming<M>>, Status>) -> M {
    let mut answers = answers.unwrap().into_inner();
    let mut last = None;
    while let Some(answer) = within(answers.message()).await.unwrap() {
        last = Some(answer);
    }
    last.unwrap()
}

/// The result of an upload. Until it ends, calls of the same connection are answered.
async fn beside_calls<T>(tenant: &mut Tenant, name: &str, upload: JoinHandle<T>) -> T {
    let (begun, mut calls) = (Instant::now(), 0);
    while !upload.is_finished() {
        within(tenant.get_group("MOVE")).await.unwrap();
        calls += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{name}: {ITEMS} messages in {seconds:.1} s, {calls} other calls");
    upload.await.unwrap()
}

async fn uploads_pass(proxy: Proxy, name: &str) {
    let mut tenant = Tenant::over(proxy.channel().await, name);
    tenant.group("MOVE").await;
    // Read at the end only, as by a client that is busy.
    let mut watch = tenant.watch_now().await;
    many_calls_pass(&tenant).await;
    upload_with_tonic(&mut tenant).await;
    upload_with_grpcurl(&proxy, name).await;
    let all = i64::try_from(2 * ITEMS).unwrap();
    assert_eq!(tenant.counts("MOVE").await, (all, 0, all));
    let last = tenant.unassign("P0", "MOVE").await.unwrap();
    reach(&mut watch, last.revision).await;
}

async fn upload_with_tonic(tenant: &mut Tenant) {
    let mut client = tenant.contacts.clone();
    let upload =
        async move { last(client.import_contacts(one_by_one(contacts(ITEMS))).await).await };
    beside_calls(tenant, "contacts", tokio::spawn(upload)).await;
    let mut client = tenant.groups.clone();
    let upload =
        async move { last(client.import_memberships(one_by_one(memberships())).await).await };
    beside_calls(tenant, "memberships", tokio::spawn(upload)).await;
}

async fn upload_with_grpcurl(proxy: &Proxy, tenant: &str) {
    let contact = |n| {
        format!(r#""contacts":[{{"id":"G{n}","kind":"CONTACT_KIND_PERSON","name":"Person G{n}"}}]"#)
    };
    let membership = |n| format!(r#""assignments":[{{"contactId":"G{n}","code":"MOVE"}}]"#);
    let method = "mailinggroups.v1.Contacts/ImportContacts";
    let printed = proxy.grpcurl(tenant, method, json(contact)).await;
    assert!(printed.contains("\"summary\""), "{printed}");
    let method = "mailinggroups.v1.MailingGroups/ImportMemberships";
    let printed = proxy.grpcurl(tenant, method, json(membership)).await;
    assert!(printed.contains("\"summary\""), "{printed}");
}

/// More calls at a time than a connection takes, and more altogether than nginx lets through by
/// itself.
async fn many_calls_pass(tenant: &Tenant) {
    let call = |_| {
        let mut tenant = tenant.clone();
        async move { within(tenant.get_group("MOVE")).await }
    };
    for result in join_all((0..3_000).map(call)).await {
        result.unwrap();
    }
}

/// The database does not commit, so the service stops receiving.
async fn calls_pass_an_upload_that_waits(proxy: Proxy, name: &str) {
    let mut tenant = Tenant::over(proxy.channel().await, name);
    tenant.group("MOVE").await;
    let holder = Sql::connect(&Server::shared().await.database_url).await;
    holder.hold_clock(name).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let messages = contacts(3 * ITEMS).inspect(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let mut client = tenant.contacts.clone();
    let upload = async move { last(client.import_contacts(one_by_one(messages)).await).await };
    let upload = tokio::spawn(upload);
    // More than the service receives ahead.
    eventually(async || (sent.load(Ordering::Relaxed) > 13_500).then_some(())).await;
    for _ in 0..200 {
        within(tenant.get_group("MOVE")).await.unwrap();
    }
    holder.run("ROLLBACK").await;
    upload.await.unwrap();
}

#[tokio::test]
#[ignore = "needs nginx: make test-peers"]
async fn uploads_pass_nginx() {
    uploads_pass(Proxy::nginx().await, "nginx").await;
}

/// Not so HAProxy 2.6: docs/operations.md.
#[tokio::test]
#[ignore = "needs nginx: make test-peers"]
async fn calls_pass_an_upload_that_waits_in_nginx() {
    calls_pass_an_upload_that_waits(Proxy::nginx().await, "nginx-waits").await;
}

#[tokio::test]
#[ignore = "needs HAProxy: make test-peers"]
async fn uploads_pass_haproxy() {
    uploads_pass(Proxy::haproxy().await, "haproxy").await;
}
