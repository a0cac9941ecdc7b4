//! Dry runs of actions.

use super::ask::{add, add_ids, back, reduce, refine};
use crate::support::Tenant;

#[tokio::test]
async fn a_dry_run_returns_the_same_counts_and_changes_nothing() {
    let mut tenant = Tenant::small_world().await;
    tenant.assign("B", "MOVE").await;
    tenant.segment("S").await;
    tenant.add(add_ids("S", &["A", "B"])).await;
    let before = tenant.get_segment("S").await.unwrap();
    let mut request = add("S", "*");
    request.validate_only = true;
    let would = tenant.add(request).await;
    assert_eq!((would.added_count, would.revision), (2, before.revision));
    let segment = would.segment.unwrap();
    assert_eq!((segment.member_count, segment.action_count), (4, 2));
    let mut request = reduce("S", "MOVE");
    request.validate_only = true;
    let would = tenant.reduce(request).await;
    assert_eq!((would.removed_count, would.revision), (1, before.revision));
    let mut request = refine("S", "GIFT");
    request.validate_only = true;
    let would = tenant.refine(request).await;
    assert_eq!(would.removed_count, 2);
    assert_eq!(would.segment.unwrap().member_count, 0);
    let mut request = back("S");
    request.validate_only = true;
    let would = tenant.segments.go_back(request).await.unwrap().into_inner();
    assert_eq!((would.removed_count, would.revision), (2, before.revision));
    assert_eq!(would.segment.unwrap().action_count, 0);
    assert_eq!(tenant.get_segment("S").await.unwrap(), before);
    assert_eq!(tenant.actions("S").await.len(), 1);
    assert_eq!(tenant.on("S").await, ["A", "B"]);
}
