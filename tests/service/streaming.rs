//! Streams of members: pages, resuming, slow and disconnected readers, and ends.

mod ends;
#[cfg(target_os = "linux")]
mod memory;
mod pages;
mod readers;
mod resume;

use mailing_groups::pb::{self, SegmentMemberView, stream_segment_members_response::Message};
use tonic::Streaming;

use crate::support::{Tenant, person, select};

/// Fills a tenant with the persons `P00000` and so on, who all have the group MOVE. Their names
/// are long, so that few of their details fill the buffers on the way to a reader.
async fn crowd(tenant: &mut Tenant, count: usize) -> Vec<String> {
    let ids: Vec<_> = (0..count).map(|n| format!("P{n:05}")).collect();
    let contact = |id: &String| pb::Contact {
        name: "x".repeat(100),
        email: format!("{}@example.org", "y".repeat(200)),
        ..person(id, "")
    };
    tenant.group("MOVE").await;
    tenant
        .import_contacts(&ids.iter().map(contact).collect::<Vec<_>>())
        .await;
    let pairs: Vec<_> = ids
        .iter()
        .map(|id| (id.clone(), "MOVE".to_owned()))
        .collect();
    tenant.import_memberships(&pairs).await;
    ids
}

/// A request for the details of the members of MOVE.
fn full(page_size: i32) -> pb::StreamSegmentMembersRequest {
    pb::StreamSegmentMembersRequest {
        view: SegmentMemberView::Full.into(),
        page_size,
        ..select("MOVE")
    }
}

/// The next page of a stream.
async fn page(
    stream: &mut Streaming<pb::StreamSegmentMembersResponse>,
) -> pb::stream_segment_members_response::Page {
    loop {
        match stream.message().await.unwrap().unwrap().message.unwrap() {
            Message::Page(page) => return page,
            Message::Heartbeat(_) => {}
            Message::Summary(summary) => panic!("no page but {summary:?}"),
        }
    }
}
