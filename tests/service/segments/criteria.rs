//! Saving criteria and replaying them.

use mailing_groups::pb;
use tonic::Code;

use super::ask::{add, add_ids, reduce, refine};
use crate::support::{Tenant, refused, violations};

fn save(segment_id: &str, code: &str) -> pb::SaveCriteriaRequest {
    pb::SaveCriteriaRequest {
        segment_id: segment_id.into(),
        code: code.into(),
        description: "who moved".into(),
        ..Default::default()
    }
}

fn replay(code: &str, segment_id: &str) -> pb::ReplayCriteriaRequest {
    pb::ReplayCriteriaRequest {
        segment_id: segment_id.into(),
        code: code.into(),
        validate_only: false,
        ..Default::default()
    }
}

#[tokio::test]
async fn saved_criteria_are_replayed_against_current_data_with_all_options() {
    let mut tenant = Tenant::small_world().await;
    tenant.assign("B", "MOVE").await;
    tenant.segment("OLD").await;
    let mut expanded = add("OLD", "MOVE");
    expanded.options = Some(pb::SelectionOptions {
        expand_companies: true,
        ..Default::default()
    });
    tenant.add(expanded).await;
    tenant.add(add_ids("OLD", &["D"])).await;
    let mut entire = refine("OLD", "GIFT OR kind = PERSON");
    entire.entire_companies = true;
    tenant.refine(entire).await;
    let saved = tenant
        .segments
        .save_criteria(save("OLD", "movers"))
        .await
        .unwrap();
    let saved = saved.into_inner().saved_criteria.unwrap();
    assert_eq!((saved.code.as_str(), saved.action_count), ("movers", 3));
    // C moves now: its company comes along, and the refinement keeps all of it.
    tenant.assign("C", "MOVE").await;
    tenant.segment("NEW").await;
    let mut only = replay("movers", "NEW");
    only.validate_only = true;
    let would = tenant
        .segments
        .replay_criteria(only)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(tenant.on("NEW").await, [""; 0]);
    let ran = tenant
        .segments
        .replay_criteria(replay("movers", "NEW"))
        .await
        .unwrap();
    let ran = ran.into_inner();
    assert_eq!(
        (ran.action_count, ran.added_count, ran.removed_count),
        (3, 4, 0)
    );
    assert_eq!((would.added_count, would.revision + 1), (4, ran.revision));
    assert_eq!(tenant.on("NEW").await, ["A", "B", "C", "D"]);
    assert_eq!(tenant.on("OLD").await, ["B", "D"]);
    let actions = tenant.actions("NEW").await;
    assert!(actions[0].options.unwrap().expand_companies);
    assert!(actions[2].entire_companies);
    for _ in 0..3 {
        tenant.go_back("NEW").await;
    }
    assert_eq!(tenant.on("NEW").await, [""; 0]);
}

#[tokio::test]
async fn deleted_contacts_in_criteria_are_skipped_and_counted() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("OLD").await;
    tenant.add(add_ids("OLD", &["B", "C", "D"])).await;
    tenant
        .segments
        .save_criteria(save("OLD", "x"))
        .await
        .unwrap();
    tenant.delete_contact("B", "", true).await.unwrap();
    tenant.merge("D", "C").await.unwrap();
    tenant.segment("NEW").await;
    let ran = tenant
        .segments
        .replay_criteria(replay("x", "NEW"))
        .await
        .unwrap();
    assert_eq!(ran.into_inner().skipped_contact_count, 1);
    assert_eq!(tenant.on("NEW").await, ["D"]);
}

#[tokio::test]
async fn a_replay_is_atomic() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("OLD").await;
    tenant.add(add_ids("OLD", &["B"])).await;
    tenant.reduce(reduce("OLD", "GIFT")).await;
    tenant
        .segments
        .save_criteria(save("OLD", "x"))
        .await
        .unwrap();
    let rename = pb::RenameMailingGroupRequest {
        code: "GIFT".into(),
        new_code: "PRESENT".into(),
        etag: String::new(),
        ..Default::default()
    };
    tenant.groups.rename_mailing_group(rename).await.unwrap();
    tenant.segment("NEW").await;
    let outcome = tenant.segments.replay_criteria(replay("x", "NEW")).await;
    let status = outcome.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(violations(&status), ["actions[1].expression"]);
    assert_eq!(tenant.actions("NEW").await, []);
    assert_eq!(tenant.on("NEW").await, [""; 0]);
}

#[tokio::test]
async fn each_replayed_action_sees_the_result_of_the_one_before() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("S").await;
    tenant.add(add_ids("S", &["B"])).await;
    tenant.add(add("S", r#"NOT segment("S")"#)).await;
    tenant.segments.save_criteria(save("S", "x")).await.unwrap();
    tenant.reduce(reduce("S", "*")).await;
    let ran = tenant
        .segments
        .replay_criteria(replay("x", "S"))
        .await
        .unwrap();
    assert_eq!(ran.into_inner().added_count, 4);
    assert_eq!(tenant.actions("S").await.last().unwrap().added_count, 3);
}

#[tokio::test]
async fn criteria_codes_are_unique_listed_and_released() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("S").await;
    let nothing = tenant.segments.save_criteria(save("S", "x")).await;
    assert_eq!(
        refused(nothing),
        (Code::FailedPrecondition, "SEGMENT_HAS_NO_ACTIONS".into())
    );
    tenant.add(add("S", "MOVE")).await;
    for code in ["x", "y", "z"] {
        tenant
            .segments
            .save_criteria(save("S", code))
            .await
            .unwrap();
    }
    let taken = tenant.segments.save_criteria(save("S", "x")).await;
    assert_eq!(
        refused(taken),
        (Code::AlreadyExists, "SAVED_CRITERIA_ALREADY_EXISTS".into())
    );
    let mut list = pb::ListSavedCriteriaRequest {
        page_size: 2,
        ..Default::default()
    };
    let page = tenant
        .segments
        .list_saved_criteria(list.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.saved_criteria.len(), 2);
    list.page_token = page.next_page_token;
    let page = tenant
        .segments
        .list_saved_criteria(list)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.saved_criteria[0].code, "z");
    assert_eq!(page.next_page_token, "");
    let delete = || pb::DeleteSavedCriteriaRequest {
        code: "x".into(),
        ..Default::default()
    };
    tenant
        .segments
        .delete_saved_criteria(delete())
        .await
        .unwrap();
    let gone = tenant.segments.delete_saved_criteria(delete()).await;
    assert_eq!(
        refused(gone),
        (Code::NotFound, "SAVED_CRITERIA_NOT_FOUND".into())
    );
    assert_eq!(
        refused(tenant.segments.replay_criteria(replay("x", "S")).await).0,
        Code::NotFound
    );
    tenant.segments.save_criteria(save("S", "x")).await.unwrap();
}
