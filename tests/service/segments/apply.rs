//! Giving a segment's members a mailing group.

use mailing_groups::pb;
use tonic::Code;

use super::ask::add_ids;
use crate::support::{Tenant, person, refused};

fn apply(segment_id: &str, replace: bool) -> pb::ApplyMailingGroupRequest {
    pb::ApplyMailingGroupRequest {
        segment_id: segment_id.into(),
        code: "gift".into(),
        replace,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_group_is_applied_with_and_without_replacement() {
    let mut tenant = Tenant::small_world().await;
    for id in ["E", "F"] {
        tenant.create(person(id, "")).await;
        tenant.assign(id, "GIFT").await;
    }
    tenant.segment("S").await;
    tenant.add(add_ids("S", &["A", "B", "C"])).await;
    let before = tenant.get_contact("A").await.unwrap();
    let mut only = apply("S", true);
    only.validate_only = true;
    let would = tenant.apply(only).await.unwrap();
    assert_eq!((would.added_count, would.removed_count), (3, 2));
    assert_eq!(tenant.members("GIFT").await, ["E", "F"]);
    let applied = tenant.apply(apply("S", false)).await.unwrap();
    assert_eq!((applied.added_count, applied.removed_count), (3, 0));
    assert_eq!(applied.revision, would.revision + 1);
    assert_eq!(tenant.members("GIFT").await, ["A", "B", "C", "E", "F"]);
    let group = tenant.get_group("GIFT").await.unwrap();
    assert_eq!((group.company_count, group.person_count), (1, 4));
    let after = tenant.get_contact("A").await.unwrap();
    assert_eq!(
        (after.mailing_group_count, after.revision),
        (1, applied.revision)
    );
    assert_ne!(after.etag, before.etag);
    let replaced = tenant.apply(apply("S", true)).await.unwrap();
    assert_eq!((replaced.added_count, replaced.removed_count), (0, 2));
    assert_eq!(tenant.members("GIFT").await, ["A", "B", "C"]);
    assert_eq!(tenant.get_group("GIFT").await.unwrap().contact_count, 3);
    assert_eq!(
        tenant.get_contact("E").await.unwrap().mailing_group_count,
        0
    );
    let again = tenant.apply(apply("S", true)).await.unwrap();
    assert_eq!((again.added_count, again.removed_count), (0, 0));
    assert_eq!(again.revision, replaced.revision);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn an_unknown_group_or_segment_cannot_be_applied() {
    let mut tenant = Tenant::small_world().await;
    let unknown = tenant.apply(apply("X", false)).await;
    assert_eq!(
        refused(unknown),
        (Code::NotFound, "SEGMENT_NOT_FOUND".into())
    );
    tenant.segment("S").await;
    let mut request = apply("S", false);
    request.code = "NONE".into();
    let unknown = tenant.apply(request).await;
    assert_eq!(
        refused(unknown),
        (Code::NotFound, "MAILING_GROUP_NOT_FOUND".into())
    );
}
