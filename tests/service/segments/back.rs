//! Going back.

use tonic::Code;

use super::ask::{add, add_ids, back, reduce, refine};
use crate::support::{Tenant, refused};

#[tokio::test]
async fn going_back_restores_each_earlier_state() {
    let mut tenant = Tenant::small_world().await;
    for (id, code) in [("A", "MOVE"), ("B", "MOVE"), ("C", "MOVE"), ("C", "GIFT")] {
        tenant.assign(id, code).await;
    }
    tenant.segment("S").await;
    tenant.add(add_ids("S", &["A", "D"])).await;
    tenant.add(add("S", "MOVE")).await;
    tenant.reduce(reduce("S", "GIFT")).await;
    tenant.refine(refine("S", "MOVE")).await;
    assert_eq!(tenant.on("S").await, ["A", "B"]);
    // Later changes of the groups have no effect.
    for id in ["A", "B", "C"] {
        tenant.unassign(id, "MOVE").await.unwrap();
    }
    let steps: [(&[&str], i64, i64); 4] = [
        (&["A", "B", "D"], 1, 0),
        (&["A", "B", "C", "D"], 1, 0),
        (&["A", "D"], 0, 2),
        (&[], 0, 2),
    ];
    for (left, (members, added, removed)) in (0..4).rev().zip(steps) {
        let back = tenant.go_back("S").await;
        assert_eq!((back.added_count, back.removed_count), (added, removed));
        assert_eq!(back.segment.unwrap().action_count, left);
        assert_eq!(tenant.on("S").await, members);
    }
    let outcome = tenant.segments.go_back(back("S")).await;
    assert_eq!(
        refused(outcome),
        (Code::FailedPrecondition, "NOTHING_TO_UNDO".into())
    );
}

#[tokio::test]
async fn an_add_without_matches_is_recorded_and_undone() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("S").await;
    let added = tenant.add(add("S", "MOVE")).await;
    assert_eq!(added.added_count, 0);
    assert_eq!(added.segment.unwrap().action_count, 1);
    let actions = tenant.actions("S").await;
    assert_eq!((actions.len(), actions[0].expression.as_str()), (1, "MOVE"));
    assert_eq!(actions[0].revision, added.revision);
    tenant.go_back("S").await;
    assert_eq!(tenant.actions("S").await, []);
}

#[tokio::test]
async fn going_back_skips_deleted_contacts_and_maps_merged_ones() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("S").await;
    tenant.add(add_ids("S", &["B"])).await;
    tenant.add(add_ids("S", &["C", "D"])).await;
    tenant.reduce(reduce("S", "*")).await;
    tenant.delete_contact("D", "", false).await.unwrap();
    tenant.merge("B", "C").await.unwrap();
    tenant.go_back("S").await;
    assert_eq!(tenant.on("S").await, ["B"]);
    // B was there before C came: it stays when C's coming is undone.
    tenant.go_back("S").await;
    assert_eq!(tenant.on("S").await, ["B"]);
    tenant.go_back("S").await;
    assert_eq!(tenant.on("S").await, [""; 0]);
}

#[tokio::test]
async fn a_merged_contact_is_replaced_by_the_kept_one() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("S").await;
    tenant.add(add_ids("S", &["C"])).await;
    assert_eq!(tenant.members(r#"segment("S")"#).await, ["C"]);
    tenant.merge("D", "C").await.unwrap();
    assert_eq!(tenant.on("S").await, ["D"]);
    assert_eq!(tenant.members(r#"segment("S")"#).await, ["D"]);
    let status = tenant.delete_contact("D", "", false).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    tenant.merge("B", "D").await.unwrap();
    assert_eq!(tenant.on("S").await, ["B"]);
    assert_eq!(tenant.add(add_ids("S", &["B"])).await.added_count, 0);
    assert_eq!(
        tenant
            .reduce(reduce("S", "kind = PERSON"))
            .await
            .removed_count,
        1
    );
    assert_eq!(tenant.on("S").await, [""; 0]);
    tenant.go_back("S").await;
    assert_eq!(tenant.on("S").await, ["B"]);
    tenant.go_back("S").await;
    tenant.go_back("S").await;
    assert_eq!(tenant.on("S").await, [""; 0]);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn the_latest_256_actions_can_be_undone() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("S").await;
    tenant.add(add_ids("S", &["A"])).await;
    tenant.add(add_ids("S", &["B"])).await;
    for _ in 0..256 {
        tenant.add(add("S", "MOVE")).await;
    }
    let undoable = |actions: &[_]| -> Vec<bool> {
        actions
            .iter()
            .map(|it: &mailing_groups::pb::SegmentAction| it.undoable)
            .collect()
    };
    assert_eq!(
        undoable(&tenant.actions("S").await[..3]),
        [false, false, true]
    );
    for _ in 0..256 {
        tenant.go_back("S").await;
    }
    let outcome = tenant.segments.go_back(back("S")).await;
    assert_eq!(
        refused(outcome),
        (Code::FailedPrecondition, "UNDO_HISTORY_ENDED".into())
    );
    assert_eq!(tenant.on("S").await, ["A", "B"]);
    assert_eq!(tenant.get_segment("S").await.unwrap().action_count, 2);
}
