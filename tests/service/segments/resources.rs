//! Creating, reading, listing, describing and deleting segments.

use mailing_groups::pb;
use tonic::Code;

use super::ask::{add, add_ids};
use crate::support::{Tenant, refused, violations};

fn update(id: &str, description: &str, etag: &str) -> pb::UpdateSegmentRequest {
    let segment = pb::Segment {
        id: id.into(),
        description: description.into(),
        etag: etag.into(),
        ..Default::default()
    };
    pb::UpdateSegmentRequest {
        segment: Some(segment),
        ..Default::default()
    }
}

#[tokio::test]
async fn blank_ids_get_the_next_number_of_the_series() {
    let mut tenant = Tenant::new().await;
    assert_eq!(tenant.segment("").await.id, "SM000001");
    assert_eq!(tenant.segment("SM000002").await.id, "SM000002");
    let none = pb::CreateSegmentRequest::default();
    let created = tenant.segments.create_segment(none).await.unwrap();
    assert_eq!(created.into_inner().segment.unwrap().id, "SM000003");
}

#[tokio::test]
async fn ids_are_unique_and_well_formed() {
    let mut tenant = Tenant::new().await;
    let create = |id: &str, description: &str, request_id: &str| pb::CreateSegmentRequest {
        segment: Some(pb::Segment {
            id: id.into(),
            description: description.into(),
            ..Default::default()
        }),
        request_id: request_id.into(),
    };
    let first = tenant
        .segments
        .create_segment(create("S", "x", "r1"))
        .await
        .unwrap();
    let first = first.into_inner();
    let again = tenant
        .segments
        .create_segment(create("S", "x", "r1"))
        .await
        .unwrap();
    assert_eq!(again.into_inner(), first);
    let taken = tenant.segments.create_segment(create("S", "x", "")).await;
    assert_eq!(
        refused(taken),
        (Code::AlreadyExists, "SEGMENT_ALREADY_EXISTS".into())
    );
    for (id, description, field) in [
        ("a b", "", "segment.id"),
        ("S2", &*"x".repeat(101), "segment.description"),
    ] {
        let status = tenant
            .segments
            .create_segment(create(id, description, ""))
            .await
            .unwrap_err();
        assert_eq!(violations(&status), [field]);
    }
}

#[tokio::test]
async fn an_update_of_a_description_needs_the_current_etag() {
    let mut tenant = Tenant::small_world().await;
    let old = tenant.segment("S").await;
    tenant.add(add("S", "*")).await;
    let stale = tenant
        .segments
        .update_segment(update("S", "spring", &old.etag))
        .await;
    assert_eq!(refused(stale), (Code::Aborted, "ETAG_MISMATCH".into()));
    let etag = tenant.get_segment("S").await.unwrap().etag;
    let updated = tenant
        .segments
        .update_segment(update("S", "spring", &etag))
        .await
        .unwrap();
    let updated = updated.into_inner();
    let segment = updated.segment.unwrap();
    assert_eq!(
        (segment.description.as_str(), segment.member_count),
        ("spring", 4)
    );
    let same = tenant
        .segments
        .update_segment(update("S", "spring", ""))
        .await
        .unwrap();
    assert_eq!(same.into_inner().revision, updated.revision);
    let delete = |etag: &str| pb::DeleteSegmentRequest {
        id: "S".into(),
        etag: etag.into(),
        ..Default::default()
    };
    let stale = tenant.segments.delete_segment(delete(&etag)).await;
    assert_eq!(refused(stale).0, Code::Aborted);
    let deleted = tenant
        .segments
        .delete_segment(delete(&segment.etag))
        .await
        .unwrap();
    assert_eq!(deleted.into_inner().revision, updated.revision + 1);
    assert_eq!(
        tenant.get_segment("S").await.unwrap_err().code(),
        Code::NotFound
    );
    // Segments of that name have no members: neither the deleted nor the new one.
    tenant.delete_contact("B", "", false).await.unwrap();
    assert_eq!(tenant.segment("S").await.member_count, 0);
    assert_eq!(tenant.members(r#"segment("S")"#).await, [""; 0]);
}

#[tokio::test]
async fn segments_and_actions_are_listed_in_pages() {
    let mut tenant = Tenant::small_world().await;
    for id in ["S_1", "S_2", "S_3", "T"] {
        tenant.segment(id).await;
        tenant.add(add_ids(id, &["A", "B"])).await;
    }
    let mut request = pb::ListSegmentsRequest {
        page_size: 2,
        prefix: "S_".into(),
        ..Default::default()
    };
    let page = tenant
        .segments
        .list_segments(request.clone())
        .await
        .unwrap()
        .into_inner();
    let ids = |page: &pb::ListSegmentsResponse| -> Vec<(String, i64)> {
        let segments = page.segments.iter();
        segments
            .map(|it| (it.id.clone(), it.person_count))
            .collect()
    };
    assert_eq!(ids(&page), [("S_1".into(), 1), ("S_2".into(), 1)]);
    request.page_token = page.next_page_token;
    let page = tenant
        .segments
        .list_segments(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(ids(&page), [("S_3".into(), 1)]);
    assert_eq!(page.next_page_token, "");
    request.prefix = "T".into();
    let status = tenant.segments.list_segments(request).await.unwrap_err();
    assert_eq!(violations(&status), ["page_token"]);
    tenant.add(add("T", "MOVE")).await;
    tenant.add(add("T", "GIFT")).await;
    let mut request = pb::ListSegmentActionsRequest {
        segment_id: "T".into(),
        page_size: 2,
        ..Default::default()
    };
    let page = tenant
        .segments
        .list_segment_actions(request.clone())
        .await
        .unwrap()
        .into_inner();
    request.page_token = page.next_page_token;
    let rest = tenant
        .segments
        .list_segment_actions(request)
        .await
        .unwrap()
        .into_inner();
    let numbers: Vec<_> = page
        .actions
        .iter()
        .chain(&rest.actions)
        .map(|it| it.number)
        .collect();
    assert_eq!(
        (numbers, rest.next_page_token.as_str()),
        (vec![1, 2, 3], "")
    );
}

#[tokio::test]
async fn tenants_that_never_wrote_have_no_segments() {
    let mut tenant = Tenant::new().await;
    assert_eq!(
        tenant.get_segment("S").await.unwrap_err().code(),
        Code::NotFound
    );
    let outcome = tenant.segments.add_contacts(add("S", "*")).await;
    assert_eq!(
        refused(outcome),
        (Code::NotFound, "SEGMENT_NOT_FOUND".into())
    );
    let list = tenant
        .segments
        .list_segments(pb::ListSegmentsRequest::default())
        .await
        .unwrap();
    assert_eq!(list.into_inner().segments, []);
}
