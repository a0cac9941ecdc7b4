//! The content of a complete stream.

use mailing_groups::pb::{self, DeleteContactRequest, SegmentMemberView};
use tonic::Code;

use super::crowd;
use crate::support::{Tenant, company, person, select, violations};

fn pages_of(page_size: i32) -> pb::StreamSegmentMembersRequest {
    pb::StreamSegmentMembersRequest {
        page_size,
        ..select("*")
    }
}

#[tokio::test]
async fn members_are_streamed_in_order_of_creation() {
    let mut tenant = Tenant::new().await;
    for id in ["Z", "A", "M"] {
        tenant.create(company(id)).await;
    }
    tenant
        .import_contacts(&["9", "B", "1"].map(|id| person(id, "M")))
        .await;
    assert_eq!(tenant.members("*").await, ["Z", "A", "M", "9", "B", "1"]);
    let delete = DeleteContactRequest {
        id: "A".into(),
        force: true,
        ..Default::default()
    };
    tenant.contacts.delete_contact(delete).await.unwrap();
    tenant.create(company("A")).await;
    assert_eq!(tenant.members("*").await, ["Z", "M", "9", "B", "1", "A"]);
}

#[tokio::test]
async fn pages_have_the_requested_size_within_limits() {
    let mut tenant = Tenant::new().await;
    let ids = crowd(&mut tenant, 2_345).await;
    let mut sizes = async |request| {
        let streamed = tenant.stream(request).await.unwrap();
        assert_eq!(streamed.ids(), ids);
        streamed
            .pages
            .iter()
            .map(|page| page.members.len())
            .collect::<Vec<_>>()
    };
    let full = |page_size| pb::StreamSegmentMembersRequest {
        view: SegmentMemberView::Full.into(),
        ..pages_of(page_size)
    };
    assert_eq!(sizes(pages_of(0)).await, [1_000, 1_000, 345]);
    assert_eq!(sizes(pages_of(2_000)).await, [2_000, 345]);
    assert_eq!(sizes(pages_of(i32::MAX)).await, [2_345]);
    assert_eq!(sizes(full(2_001)).await, [2_000, 345]);
    let status = tenant.open(pages_of(-1)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(violations(&status), ["page_size"]);
}

#[tokio::test]
async fn details_are_in_the_full_view_only() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("A")).await;
    let created = tenant
        .create(pb::Contact {
            email: "c@example.org".into(),
            ..person("C", "A")
        })
        .await;
    let mut contacts = async |view: SegmentMemberView| {
        let request = pb::StreamSegmentMembersRequest {
            view: view.into(),
            ..select("kind = person")
        };
        let page = tenant.stream(request).await.unwrap().pages.remove(0);
        let [member] = &page.members[..] else {
            panic!("{page:?}")
        };
        assert_eq!(member.contact_id, "C");
        member.contact.clone()
    };
    assert_eq!(contacts(SegmentMemberView::Unspecified).await, None);
    assert_eq!(contacts(SegmentMemberView::Ids).await, None);
    assert_eq!(contacts(SegmentMemberView::Full).await, Some(created));
}

#[tokio::test]
async fn an_empty_stream_has_only_a_summary() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("A")).await;
    let streamed = tenant.stream(select("kind = PERSON")).await.unwrap();
    assert!(streamed.pages.is_empty());
    let summary = pb::stream_segment_members_response::Summary {
        revision: 1,
        ..Default::default()
    };
    assert_eq!(streamed.summary, summary);
}
