//! Changes of contacts that are on segments.

use mailing_groups::pb;
use tonic::Code;
use tonic_types::StatusExt;

use super::ask::{add, add_ids};
use crate::support::{Tenant, info, person};

#[tokio::test]
async fn a_contact_on_segments_is_deleted_only_with_force() {
    let mut tenant = Tenant::small_world().await;
    tenant.assign("B", "MOVE").await;
    for id in ["S", "T", "U"] {
        tenant.segment(id).await;
    }
    tenant.add(add_ids("S", &["B", "C"])).await;
    tenant.add(add_ids("T", &["B"])).await;
    let status = tenant.delete_contact("B", "", false).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    let info = info(&status);
    assert_eq!(info.reason, "CONTACT_ON_SEGMENTS");
    assert_eq!(info.metadata["count"], "2");
    let details = status.get_error_details();
    let named: Vec<_> = details
        .precondition_failure()
        .unwrap()
        .violations
        .iter()
        .collect();
    assert_eq!(
        named
            .iter()
            .map(|it| it.subject.as_str())
            .collect::<Vec<_>>(),
        ["S", "T"]
    );
    assert_eq!(tenant.codes("B").await, ["MOVE"]);
    tenant.delete_contact("B", "", true).await.unwrap();
    assert_eq!(tenant.on("S").await, ["C"]);
    assert_eq!(tenant.on("T").await, [""; 0]);
    let actions = tenant.actions("S").await;
    assert_eq!(
        (actions[0].contact_id_count, &*actions[0].contact_ids),
        (1, &["C".to_owned()][..])
    );
    // One with the same id is another contact.
    tenant.create(person("B", "")).await;
    assert_eq!(tenant.on("T").await, [""; 0]);
}

#[tokio::test]
async fn a_change_of_kind_updates_the_counts_of_segments() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("S").await;
    tenant.add(add("S", "*")).await;
    let update = pb::UpdateContactRequest {
        contact: Some(pb::Contact {
            id: "B".into(),
            kind: pb::ContactKind::Company.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    tenant.contacts.update_contact(update).await.unwrap();
    let segment = tenant.get_segment("S").await.unwrap();
    assert_eq!((segment.company_count, segment.person_count), (2, 2));
}
