//! Adding, reducing and refining.

use mailing_groups::pb;
use tonic::Code;

use super::ask::{add, add_ids, reduce, refine};
use crate::support::{Tenant, info, person, violations};

#[tokio::test]
async fn each_matching_contact_is_added_once() {
    let mut tenant = Tenant::small_world().await;
    for id in ["A", "B", "C"] {
        tenant.assign(id, "MOVE").await;
    }
    tenant.segment("S").await;
    let added = tenant.add(add("S", "MOVE")).await;
    assert_eq!((added.added_count, added.excluded_count), (3, 0));
    let segment = added.segment.unwrap();
    assert_eq!((segment.member_count, segment.company_count), (3, 1));
    assert_eq!((segment.person_count, segment.action_count), (2, 1));
    let again = tenant.add(add("S", "MOVE")).await;
    assert_eq!(again.added_count, 0);
    assert_eq!(again.segment.unwrap().action_count, 2);
    assert_eq!(tenant.on("S").await, ["A", "B", "C"]);
}

#[tokio::test]
async fn related_companies_are_added_with_their_people_on_request() {
    let mut tenant = Tenant::small_world().await;
    tenant.assign("B", "MOVE").await;
    tenant.assign("C", "MOVE").await;
    tenant.segment("S").await;
    tenant.segment("T").await;
    tenant.add(add("S", "MOVE")).await;
    assert_eq!(tenant.on("S").await, ["B", "C"]);
    let mut request = add("T", "MOVE");
    request.options = Some(pb::SelectionOptions {
        include_related_companies: true,
        ..Default::default()
    });
    tenant.add(request).await;
    assert_eq!(tenant.on("T").await, ["A", "B", "C"]);
}

#[tokio::test]
async fn excluded_and_blocked_contacts_are_dropped_after_an_expansion() {
    let mut tenant = Tenant::small_world().await;
    let mut marked = person("E", "A");
    marked.exclude_from_segments = Some(true);
    tenant.create(marked).await;
    let mut blocked = person("F", "A");
    (blocked.exclude_from_segments, blocked.privacy_blocked) = (Some(true), Some(true));
    tenant.create(blocked).await;
    tenant.assign("C", "MOVE").await;
    tenant.segment("S").await;
    let mut request = add("S", "MOVE");
    let mut options = pb::SelectionOptions {
        expand_companies: true,
        ..Default::default()
    };
    request.options = Some(options);
    let added = tenant.add(request.clone()).await;
    assert_eq!(
        (
            added.added_count,
            added.excluded_count,
            added.privacy_blocked_count
        ),
        (3, 1, 1)
    );
    assert_eq!(tenant.on("S").await, ["A", "C", "D"]);
    options.include_excluded = true;
    options.include_privacy_blocked = true;
    request.options = Some(options);
    assert_eq!(tenant.add(request).await.added_count, 2);
    assert_eq!(tenant.on("S").await, ["A", "C", "D", "E", "F"]);
    let actions = tenant.actions("S").await;
    assert_eq!(actions[1].options.unwrap(), options);
    assert_eq!(actions[0].privacy_blocked_count, 1);
}

#[tokio::test]
async fn an_add_by_ids_is_atomic() {
    let mut tenant = Tenant::small_world().await;
    let mut marked = person("E", "");
    marked.exclude_from_segments = Some(true);
    tenant.create(marked).await;
    tenant.segment("S").await;
    let added = tenant.add(add_ids("S", &["B", "A", "B", "E"])).await;
    assert_eq!((added.added_count, added.excluded_count), (2, 1));
    let request = add_ids("S", &["C", "X", "D", "Y"]);
    let status = tenant.segments.add_contacts(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(info(&status).reason, "CONTACT_NOT_FOUND");
    assert_eq!(violations(&status), ["contact_ids[1]", "contact_ids[3]"]);
    assert_eq!(tenant.on("S").await, ["A", "B"]);
    let actions = tenant.actions("S").await;
    assert_eq!(actions.len(), 1);
    assert_eq!(actions[0].contact_ids, ["A", "B", "E"]);
    assert_eq!(actions[0].contact_id_count, 3);
}

#[tokio::test]
async fn an_add_needs_exactly_one_source() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("S").await;
    let mut both = add_ids("S", &["A"]);
    both.expression = "MOVE".into();
    for (request, field) in [
        (add("S", ""), "expression"),
        (add("S", "MOVE AND"), "expression"),
        (both, "contact_ids"),
        (add_ids("S", &["A", "no id"]), "contact_ids[1]"),
        (add_ids("S", &["A"; 10_001]), "contact_ids"),
        (add("", "MOVE"), "segment_id"),
    ] {
        let status = tenant.segments.add_contacts(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{field}");
        assert_eq!(violations(&status), [field]);
    }
    assert_eq!(tenant.actions("S").await, []);
}

#[tokio::test]
async fn reduce_removes_matches_and_refine_keeps_them() {
    let mut tenant = Tenant::small_world().await;
    for (id, code) in [("B", "MOVE"), ("C", "MOVE"), ("C", "GIFT"), ("D", "GIFT")] {
        tenant.assign(id, code).await;
    }
    for id in ["S", "T"] {
        tenant.segment(id).await;
        tenant.add(add(id, "MOVE")).await;
    }
    assert_eq!(tenant.reduce(reduce("S", "GIFT")).await.removed_count, 1);
    assert_eq!(tenant.on("S").await, ["B"]);
    assert_eq!(tenant.refine(refine("T", "GIFT")).await.removed_count, 1);
    assert_eq!(tenant.on("T").await, ["C"]);
    // Only members are looked at: D is on neither.
    assert_eq!(tenant.refine(refine("T", "*")).await.removed_count, 0);
    assert_eq!(tenant.reduce(reduce("T", "*")).await.removed_count, 1);
    assert_eq!(tenant.on("T").await, [""; 0]);
    let kinds: Vec<_> = tenant
        .actions("T")
        .await
        .iter()
        .map(pb::SegmentAction::kind)
        .collect();
    use pb::SegmentActionKind::{Add, Reduce, Refine};
    assert_eq!(kinds, [Add, Refine, Refine, Reduce]);
}

#[tokio::test]
async fn excluded_contacts_are_reduced_and_refined_like_others() {
    let mut tenant = Tenant::small_world().await;
    let mut marked = person("E", "");
    marked.privacy_blocked = Some(true);
    tenant.create(marked).await;
    tenant.assign("E", "MOVE").await;
    tenant.segment("S").await;
    let mut request = add("S", "*");
    request.options = Some(pb::SelectionOptions {
        include_privacy_blocked: true,
        ..Default::default()
    });
    tenant.add(request).await;
    tenant.refine(refine("S", "MOVE")).await;
    assert_eq!(tenant.on("S").await, ["E"]);
    tenant.reduce(reduce("S", "MOVE")).await;
    assert_eq!(tenant.on("S").await, [""; 0]);
}

#[tokio::test]
async fn a_match_in_a_company_applies_to_the_entire_company() {
    let mut tenant = Tenant::small_world().await;
    // D is not on the segments, and has the group.
    tenant.assign("D", "GIFT").await;
    for id in ["S", "T", "U"] {
        tenant.segment(id).await;
        tenant.add(add_ids(id, &["A", "B", "C"])).await;
    }
    let mut request = refine("S", "GIFT");
    request.entire_companies = true;
    assert_eq!(tenant.refine(request).await.removed_count, 1);
    assert_eq!(tenant.on("S").await, ["A", "C"]);
    let mut request = reduce("T", "GIFT");
    request.entire_companies = true;
    assert_eq!(tenant.reduce(request).await.removed_count, 2);
    assert_eq!(tenant.on("T").await, ["B"]);
    tenant.refine(refine("U", "GIFT")).await;
    assert_eq!(tenant.on("U").await, [""; 0]);
    // A contact without a company stands for itself.
    tenant.assign("B", "GIFT").await;
    let mut request = refine("T", "GIFT");
    request.entire_companies = true;
    assert_eq!(tenant.refine(request).await.removed_count, 0);
}

#[tokio::test]
async fn a_segment_is_a_snapshot_and_can_be_an_operand() {
    let mut tenant = Tenant::small_world().await;
    tenant.assign("B", "MOVE").await;
    tenant.segment("S").await;
    tenant.add(add("S", "MOVE")).await;
    tenant.unassign("B", "MOVE").await.unwrap();
    tenant.assign("C", "MOVE").await;
    assert_eq!(tenant.on("S").await, ["B"]);
    assert_eq!(tenant.members(r#"segment("S") OR MOVE"#).await, ["B", "C"]);
    tenant.add(add("S", r#"* AND NOT segment("S")"#)).await;
    assert_eq!(tenant.on("S").await, ["A", "B", "C", "D"]);
    tenant.reduce(reduce("S", r#"segment("S")"#)).await;
    assert_eq!(tenant.on("S").await, [""; 0]);
    let unknown = tenant
        .segments
        .add_contacts(add("S", r#"segment("X")"#))
        .await;
    let status = unknown.unwrap_err();
    assert_eq!(
        (status.code(), violations(&status)),
        (Code::NotFound, vec!["expression".into()])
    );
    assert_eq!(info(&status).reason, "SEGMENT_NOT_FOUND");
}
