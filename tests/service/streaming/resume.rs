//! An interrupted stream resumes at its token, which is bound to its request.

use mailing_groups::pb::{self, SegmentMemberView, SelectionOptions};
use tonic::Code;

use super::crowd;
use crate::support::{Server, Streamed, Tenant, person, select, select_with, violations};

fn request(resume_token: &str) -> pb::StreamSegmentMembersRequest {
    pb::StreamSegmentMembersRequest {
        page_size: 10,
        resume_token: resume_token.into(),
        ..select("MOVE")
    }
}

async fn whole(tenant: &mut Tenant) -> Streamed {
    tenant.stream(request("")).await.unwrap()
}

#[tokio::test]
async fn a_stream_resumed_from_any_token_equals_an_uninterrupted_one() {
    let mut tenant = Tenant::new().await;
    let ids = crowd(&mut tenant, 95).await;
    let whole = whole(&mut tenant).await;
    assert_eq!(whole.pages.len(), 10);
    for (at, page) in whole.pages.iter().enumerate() {
        let rest = tenant.stream(request(&page.resume_token)).await.unwrap();
        let sent = ids.len().min(10 * (at + 1));
        assert_eq!(rest.ids(), ids[sent..], "after page {at}");
        assert_eq!(rest.pages, whole.pages[at + 1..]);
        let wanted = pb::stream_segment_members_response::Summary {
            sent_count: i64::try_from(ids.len() - sent).unwrap(),
            ..whole.summary
        };
        assert_eq!(rest.summary, wanted);
    }
}

#[tokio::test]
async fn the_page_size_may_differ() {
    let mut tenant = Tenant::new().await;
    let ids = crowd(&mut tenant, 40).await;
    let token = whole(&mut tenant).await.pages[0].resume_token.clone();
    let rest = pb::StreamSegmentMembersRequest {
        page_size: 7,
        ..request(&token)
    };
    assert_eq!(tenant.stream(rest).await.unwrap().ids(), ids[10..]);
}

#[tokio::test]
async fn a_stream_resumed_at_another_revision_reports_it_in_the_summary() {
    let mut tenant = Tenant::new().await;
    crowd(&mut tenant, 25).await;
    let token = whole(&mut tenant).await.pages[0].resume_token.clone();
    // One before the token's place and one after it.
    tenant.create(person("NEW", "")).await;
    for id in ["P00003", "P00013"] {
        let code = "MOVE".into();
        let unassign = pb::UnassignMailingGroupRequest {
            contact_id: id.into(),
            code,
        };
        tenant
            .groups
            .unassign_mailing_group(unassign)
            .await
            .unwrap();
    }
    let revision = tenant.assign("NEW", "MOVE").await.revision;
    let rest = tenant.stream(request(&token)).await.unwrap();
    let mut wanted: Vec<_> = (10..25)
        .filter(|n| *n != 13)
        .map(|n| format!("P{n:05}"))
        .collect();
    wanted.push("NEW".into());
    assert_eq!(rest.ids(), wanted);
    assert!(rest.summary.revision_moved);
    assert_eq!(rest.summary.revision, revision);
    assert_eq!(
        (rest.summary.member_count, rest.summary.sent_count),
        (24, 15)
    );
}

#[tokio::test]
async fn a_token_is_bound_to_its_request() {
    let mut tenant = Tenant::new().await;
    crowd(&mut tenant, 25).await;
    let token = whole(&mut tenant).await.pages[0].resume_token.clone();
    let options = SelectionOptions {
        include_excluded: true,
        ..Default::default()
    };
    let others = [
        pb::StreamSegmentMembersRequest {
            selection: select("NOT MOVE").selection,
            ..request(&token)
        },
        pb::StreamSegmentMembersRequest {
            selection: select_with("MOVE", options).selection,
            ..request(&token)
        },
        pb::StreamSegmentMembersRequest {
            view: SegmentMemberView::Full.into(),
            ..request(&token)
        },
    ];
    for other in others {
        refused(&mut tenant, other).await;
    }
    let mut neighbour = Tenant::of(Server::shared().await, "neighbour").await;
    neighbour.group("MOVE").await;
    refused(&mut neighbour, request(&token)).await;
}

#[tokio::test]
async fn a_damaged_token_is_rejected() {
    let mut tenant = Tenant::new().await;
    crowd(&mut tenant, 25).await;
    let token = whole(&mut tenant).await.pages[0].resume_token.clone();
    for at in 0..token.len() {
        let mut damaged = token.clone().into_bytes();
        damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
        refused(&mut tenant, request(std::str::from_utf8(&damaged).unwrap())).await;
    }
    for damaged in [
        "A",
        "§",
        &token[1..],
        &token[..token.len() - 1],
        &format!("{token}A"),
    ] {
        refused(&mut tenant, request(damaged)).await;
    }
}

async fn refused(tenant: &mut Tenant, request: pb::StreamSegmentMembersRequest) {
    let status = tenant.open(request.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{request:?}");
    assert_eq!(violations(&status), ["resume_token"]);
}
