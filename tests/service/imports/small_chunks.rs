//! Imports in many small chunks.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mailing_groups::pb::{
    self,
    import_contacts_request::Message as ToContacts,
    import_contacts_response::{Message as OfContacts, Summary},
};
use tonic::{Status, Streaming};

use crate::support::{
    Server, Sql, Tenant, contact_chunk, eventually, one_by_one, person, reach, within,
};

const CHUNKS: usize = 20_000;

/// More chunks than the server receives ahead, by more than h2 by itself lets wait.
const AHEAD: usize = 13_500;

/// Sends chunks of one person, and counts them.
fn requests(
    sent: Arc<AtomicUsize>,
) -> impl Send + futures_util::Stream<Item = pb::ImportContactsRequest> {
    let chunks = (0..CHUNKS).map(|n| contact_chunk(vec![person(&format!("P{n}"), "")]));
    let messages = [ToContacts::Start(Default::default())].into_iter();
    let messages = messages
        .chain(chunks)
        .chain([ToContacts::Finish(Default::default())]);
    let messages = messages.map(|message| pb::ImportContactsRequest {
        message: Some(message),
    });
    one_by_one(messages.inspect(move |_| {
        sent.fetch_add(1, Ordering::Relaxed);
    }))
}

/// The totals, and how many progress messages came before.
async fn totals(
    mut answers: Streaming<pb::ImportContactsResponse>,
) -> Result<(Summary, usize), Status> {
    let mut progress = 0;
    loop {
        match within(answers.message()).await?.unwrap().message.unwrap() {
            OfContacts::Progress(_) => progress += 1,
            OfContacts::Summary(summary) => return Ok((summary, progress)),
            OfContacts::Rejection(rejection) => panic!("{rejection:?}"),
        }
    }
}

#[tokio::test]
async fn chunks_that_come_together_are_committed_together() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    let mut watch = tenant.watch_now().await;
    let answers = tenant
        .contacts
        .import_contacts(requests(Arc::default()))
        .await;
    let (summary, progress) = totals(answers.unwrap().into_inner()).await.unwrap();
    assert_eq!(summary.created_count, CHUNKS as i64);
    assert!(progress < CHUNKS / 10, "{progress} transactions");
    reach(&mut watch, summary.revision).await;
    tenant.assert_consistent().await;
}

/// The database is slower than the caller, who sends as much as the flow control lets through. The
/// connection and its other calls live on.
#[tokio::test]
async fn small_chunks_may_wait_for_a_slow_commit() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "slow").await;
    tenant.group("MOVE").await;
    let mut watch = tenant.watch_now().await;
    let holder = Sql::connect(&server.database_url).await;
    holder.hold_clock("slow").await;
    let sent = Arc::new(AtomicUsize::new(0));
    let answers = tenant
        .contacts
        .import_contacts(requests(Arc::clone(&sent)))
        .await;
    let import = tokio::spawn(totals(answers.unwrap().into_inner()));
    eventually(async || {
        (import.is_finished() || sent.load(Ordering::Relaxed) > AHEAD).then_some(())
    })
    .await;
    assert!(!import.is_finished(), "{:?}", import.await);
    tenant.get_group("MOVE").await.unwrap();
    holder.run("ROLLBACK").await;
    let (summary, _) = import.await.unwrap().unwrap();
    assert_eq!(summary.created_count, CHUNKS as i64);
    // One chunk, and then as many as were received: half of them at least.
    assert!(summary.revision < 20, "{} revisions", summary.revision);
    reach(&mut watch, summary.revision).await;
}
