//! How a stream ends before its summary, and its heartbeats.

use std::time::Duration;

use mailing_groups::{pb::stream_segment_members_response::Message, server::Limits};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::{crowd, full, page};
use crate::support::{Server, Sql, Streamed, Tenant, info, is_overdue, within};

async fn on_own_server(count: usize) -> (Server, Tenant, Sql) {
    let server = Server::start().await;
    let mut tenant = Tenant::over(server.narrow_channel().await, "own");
    crowd(&mut tenant, count).await;
    let sql = Sql::connect(&server.database_url).await;
    (server, tenant, sql)
}

/// The status that a stream ends with, and the token of its last page.
async fn end(
    mut stream: tonic::Streaming<mailing_groups::pb::StreamSegmentMembersResponse>,
) -> (Status, String) {
    let mut token = String::new();
    loop {
        match stream.message().await {
            Ok(Some(response)) => match response.message.unwrap() {
                Message::Page(page) => token = page.resume_token,
                Message::Heartbeat(_) => {}
                Message::Summary(summary) => panic!("{summary:?}"),
            },
            Ok(None) => panic!("the stream ended well"),
            Err(status) => return (status, token),
        }
    }
}

/// Opens a stream and reads its first page before its deadline, which is as long as it has to be
/// for that.
async fn with_deadline(
    tenant: &mut Tenant,
) -> (
    tonic::Streaming<mailing_groups::pb::StreamSegmentMembersResponse>,
    Duration,
) {
    let mut deadline = Duration::from_millis(300);
    loop {
        let mut request = Request::new(full(50));
        request.set_timeout(deadline);
        let opened = async {
            let response = tenant.groups.stream_segment_members(request).await?;
            let mut stream = response.into_inner();
            let first = stream.message().await?;
            assert!(first.is_some());
            Ok::<_, Status>(stream)
        };
        match opened.await {
            Ok(stream) => return (stream, deadline),
            Err(status) => is_overdue(&status),
        }
        deadline *= 2;
    }
}

#[tokio::test]
async fn a_deadline_ends_a_stream_that_waits_for_a_page() {
    let (server, mut tenant, sql) = on_own_server(2_000).await;
    let (stream, _) = with_deadline(&mut tenant).await;
    let blocker = Sql::lock_contacts(&server.database_url).await;
    // The lock outlasts the stream and its query, so nothing else can have ended them.
    let (status, _) = within(end(stream)).await;
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    sql.until_quiet().await;
    drop(blocker);
}

#[tokio::test]
async fn a_deadline_ends_an_unread_stream() {
    let (_server, mut tenant, sql) = on_own_server(5_000).await;
    let (stream, deadline) = with_deadline(&mut tenant).await;
    // Nothing is read until the deadline has passed.
    tokio::time::sleep(deadline).await;
    sql.until_quiet().await;
    assert_eq!(end(stream).await.0.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_stream_ended_by_a_shutdown_resumes_on_another_server() {
    let (server, mut tenant, _sql) = on_own_server(5_000).await;
    let mut stream = tenant.open(full(50)).await.unwrap();
    let first = page(&mut stream).await;
    server.shutdown.cancel();
    let (status, last) = end(stream).await;
    let token = if last.is_empty() {
        first.resume_token.clone()
    } else {
        last
    };
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.get_details_retry_info().is_some());
    assert!(!info(&status).reason.is_empty());
    let other = Server::on(&server.database_url, Limits::default()).await;
    let mut tenant = Tenant::of(&other, "own").await;
    let mut request = full(50);
    request.resume_token = token;
    let rest = tenant.stream(request.clone()).await.unwrap();
    request.resume_token = first.resume_token;
    let after_first = tenant.stream(request).await.unwrap();
    assert_eq!(after_first.ids().len(), 4_950);
    assert!(after_first.ids().ends_with(&rest.ids()));
    assert!(!rest.summary.revision_moved);
}

#[tokio::test]
async fn a_waiting_reader_gets_heartbeats() {
    let (server, mut tenant, sql) = on_own_server(3_000).await;
    let mut stream = tenant.open(full(50)).await.unwrap();
    let first = page(&mut stream).await;
    let (mut sent, mut token) = (first.members.len(), first.resume_token);
    let blocker = Sql::lock_contacts(&server.database_url).await;
    let beat = loop {
        match stream.message().await.unwrap().unwrap().message.unwrap() {
            Message::Page(page) => {
                sent += page.members.len();
                token = page.resume_token;
            }
            Message::Heartbeat(beat) => break beat,
            Message::Summary(summary) => panic!("{summary:?}"),
        }
    };
    assert_eq!(beat.resume_token, token);
    sql.until_any_waits().await;
    drop(blocker);
    let rest = Streamed::read(&mut stream).await.unwrap();
    assert_eq!(sent + rest.ids().len(), 3_000);
    assert_eq!(rest.summary.sent_count, 3_000);
}
