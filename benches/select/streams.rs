//! Streams of a group, against psql copying the same rows.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use mailing_groups::pb::{
    self, Selection, StreamSegmentMembersRequest, mailing_groups_client::MailingGroupsClient,
    stream_segment_members_response::Message,
};
use tonic::transport::Channel;

use super::{connect, raw};
use crate::support::{
    figures::time,
    median, ratio,
    report::{Aim, Row},
    service::{Database, Service},
};

const IDS: &str = "COPY (SELECT c.id FROM memberships m JOIN contacts c \
    ON c.tenant_id = 1 AND c.contact_number = m.contact_number \
    WHERE m.tenant_id = 1 AND m.group_id = 1 ORDER BY m.contact_number) TO STDOUT";

const FULL: &str = "COPY (SELECT c.id, c.kind, c.name, c.company_id, c.email, \
    c.exclude_from_segments, c.privacy_blocked, c.mailing_group_count, c.revision, \
    c.create_time, c.update_time FROM memberships m JOIN contacts c \
    ON c.tenant_id = 1 AND c.contact_number = m.contact_number \
    WHERE m.tenant_id = 1 AND m.group_id = 1 ORDER BY m.contact_number) TO STDOUT";

/// How the answer is taken.
#[derive(Clone, Copy)]
enum Reading {
    /// As messages in bytes, as psql takes rows as lines.
    Bytes,
    /// Every message is decoded to values.
    Values,
}

/// Streams of the first group, as bytes and as values, with and without details.
pub(crate) async fn rows(database: &Database, service: &Service, rounds: u64) -> Vec<Row> {
    let (ids, full) = (pb::SegmentMemberView::Ids, pb::SegmentMemberView::Full);
    let lines = [
        ("stream, ids only", ids, Reading::Bytes, IDS, 2.0),
        ("stream, ids only, decoded", ids, Reading::Values, IDS, 2.0),
        ("stream, full", full, Reading::Bytes, FULL, 1.0),
        ("stream, full, decoded", full, Reading::Values, FULL, 1.0),
    ];
    let mut rows = Vec::new();
    for (what, view, reading, copy, aim) in lines {
        let mut client = connect(service).await;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let mut members = 0;
        for _ in 0..rounds {
            theirs.push(timed_copy(database.url(), copy));
            let start = Instant::now();
            members = match reading {
                Reading::Bytes => raw::stream(service, request("G01", view)).await,
                Reading::Values => read(&mut client, request("G01", view)).await,
            };
            ours.push(start.elapsed());
        }
        let (ours, theirs) = (median(ours), median(theirs));
        rows.push(Row {
            what: format!("{what}: {members} members"),
            ours: time(ours),
            theirs: format!("{} (psql COPY)", time(theirs)),
            ratio: ratio(theirs, ours),
            rounds: None,
            aim: Aim::AtLeast(aim),
        });
    }
    rows
}

/// The request for a stream in large pages.
pub(crate) fn request(
    expression: &str,
    view: pb::SegmentMemberView,
) -> StreamSegmentMembersRequest {
    StreamSegmentMembersRequest {
        selection: Some(Selection::of_expression(expression, Default::default())),
        view: view.into(),
        page_size: 10_000,
        ..Default::default()
    }
}

async fn read(
    client: &mut MailingGroupsClient<Channel>,
    request: StreamSegmentMembersRequest,
) -> i64 {
    let stream = client.stream_segment_members(request).await;
    let mut stream = stream.expect("streams").into_inner();
    let mut members = 0;
    while let Some(response) = stream.message().await.expect("streams on") {
        match response.message {
            Some(Message::Page(page)) => members += page.members.len() as i64,
            Some(Message::Summary(summary)) => assert_eq!(summary.sent_count, members),
            _ => {}
        }
    }
    members
}

fn timed_copy(url: &str, copy: &str) -> Duration {
    let start = Instant::now();
    let status = Command::new("psql")
        .args([url, "-X", "-q", "-c", copy])
        .stdout(Stdio::null())
        .status()
        .expect("psql runs");
    assert!(status.success(), "psql copies");
    start.elapsed()
}
