//! Names that were given up: codes of renamed groups and ids of merged contacts. Every way in answers
//! with the present one.

mod items;
mod moments;
mod reuse;

use mailing_groups::pb;
use tonic::{Code, Status};

use crate::support::{Tenant, company, info, mask, new_group, person, refused, select};

/// Groups `OLD`, now `NEW`, and `G`; persons `FORMER`, merged into `KEPT`, and `P`; companies `FORMERC`,
/// merged into `KEPTC`.
async fn given_up() -> Tenant {
    let mut tenant = Tenant::new().await;
    for code in ["OLD", "G"] {
        tenant.group(code).await;
    }
    for id in ["KEPTC", "FORMERC"] {
        tenant.create(company(id)).await;
    }
    for id in ["KEPT", "FORMER", "P"] {
        tenant.create(person(id, "")).await;
    }
    tenant.rename("OLD", "NEW", "").await.unwrap();
    tenant.merge("KEPT", "FORMER").await.unwrap();
    tenant.merge("KEPTC", "FORMERC").await.unwrap();
    tenant
}

#[track_caller]
fn assert_current(status: &Status, reason: &str, former: &str, current: &str) {
    let found = info(status);
    assert_eq!(
        (status.code(), found.reason.as_str()),
        (Code::NotFound, reason),
        "{status:?}"
    );
    let metadata = |key: &str| found.metadata.get(key).map(String::as_str);
    assert_eq!(
        (metadata("former"), metadata("current")),
        (Some(former), Some(current))
    );
    assert_eq!(metadata("name"), Some(former));
    assert!(status.message().contains(current), "{}", status.message());
}

#[tokio::test]
async fn calls_with_the_code_of_a_renamed_group_name_the_present_one() {
    let mut tenant = given_up().await;
    let groups = &mut tenant.groups.clone();
    let contacts_of = pb::ListMailingGroupContactsRequest {
        code: "OLD".into(),
        ..Default::default()
    };
    let having = pb::ListContactsRequest {
        code: "OLD".into(),
        ..Default::default()
    };
    let apply = pb::ApplyMailingGroupRequest {
        segment_id: "S".into(),
        code: "OLD".into(),
        ..Default::default()
    };
    let segment = pb::CreateSegmentRequest {
        segment: Some(pb::Segment {
            id: "S".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    tenant.segments.create_segment(segment).await.unwrap();
    for status in [
        tenant.get_group("old").await.err(),
        tenant.update_group(new_group("OLD", "x"), None).await.err(),
        tenant.rename("OLD", "OTHER", "").await.err(),
        tenant.delete_group("OLD", "", true).await.err(),
        tenant.try_assign("P", "OLD").await.err(),
        tenant.unassign("P", "OLD").await.err(),
        tenant.replace("P", &["G", "OLD"], "").await.err(),
        groups.list_mailing_group_contacts(contacts_of).await.err(),
        tenant.contacts.list_contacts(having).await.err(),
        tenant.apply(apply).await.err(),
        tenant.stream(select("G OR OLD")).await.err(),
    ] {
        assert_current(&status.unwrap(), "MAILING_GROUP_RENAMED", "OLD", "NEW");
    }
}

#[tokio::test]
async fn calls_with_the_id_of_a_merged_contact_name_the_present_one() {
    let mut tenant = given_up().await;
    let renamed = || pb::Contact {
        name: "X".into(),
        ..person("FORMER", "")
    };
    let groups_of = pb::ListContactMailingGroupsRequest {
        contact_id: "FORMER".into(),
        ..Default::default()
    };
    let groups = &mut tenant.groups.clone();
    for status in [
        tenant.get_contact("FORMER").await.err(),
        tenant
            .update_contact(renamed(), mask(&["name"]))
            .await
            .err(),
        tenant.delete_contact("FORMER", "", true).await.err(),
        tenant.merge("FORMER", "P").await.err(),
        tenant.merge("P", "FORMER").await.err(),
        tenant.try_assign("FORMER", "G").await.err(),
        tenant.unassign("FORMER", "G").await.err(),
        tenant.replace("FORMER", &["G"], "").await.err(),
        groups.list_contact_mailing_groups(groups_of).await.err(),
    ] {
        assert_current(&status.unwrap(), "CONTACT_MERGED", "FORMER", "KEPT");
    }
    let people = pb::ListContactsRequest {
        company_id: "FORMERC".into(),
        ..Default::default()
    };
    for status in [
        tenant.contacts.list_contacts(people).await.err(),
        tenant.try_create(person("Q", "FORMERC")).await.err(),
        tenant.put_contact(person("P", "FORMERC")).await.err(),
        tenant.stream(select("company = FORMERC")).await.err(),
    ] {
        assert_current(&status.unwrap(), "CONTACT_MERGED", "FORMERC", "KEPTC");
    }
}

#[tokio::test]
async fn saved_criteria_and_actions_with_former_names_name_the_present_ones() {
    let mut tenant = Tenant::new().await;
    tenant.group("OLD").await;
    tenant.create(company("FORMER")).await;
    tenant.create(company("KEPT")).await;
    let segments = &mut tenant.segments.clone();
    for (id, expression) in [("OLD", "OLD"), ("FORMER", "company = FORMER")] {
        let segment = Some(pb::Segment {
            id: id.into(),
            ..Default::default()
        });
        let create = pb::CreateSegmentRequest {
            segment,
            ..Default::default()
        };
        segments.create_segment(create).await.unwrap();
        let add = pb::AddContactsRequest {
            segment_id: id.into(),
            expression: expression.into(),
            ..Default::default()
        };
        segments.add_contacts(add).await.unwrap();
        let save = pb::SaveCriteriaRequest {
            segment_id: id.into(),
            code: id.into(),
            ..Default::default()
        };
        segments.save_criteria(save).await.unwrap();
    }
    tenant.rename("OLD", "NEW", "").await.unwrap();
    tenant.merge("KEPT", "FORMER").await.unwrap();
    for (code, reason, current) in [
        ("OLD", "MAILING_GROUP_RENAMED", "NEW"),
        ("FORMER", "CONTACT_MERGED", "KEPT"),
    ] {
        let replay = pb::ReplayCriteriaRequest {
            code: code.into(),
            segment_id: "OLD".into(),
            ..Default::default()
        };
        let status = segments.replay_criteria(replay).await.unwrap_err();
        assert_current(&status, reason, code, current);
    }
    let add = pb::AddContactsRequest {
        segment_id: "OLD".into(),
        contact_ids: vec!["KEPT".into(), "FORMER".into(), "NONE".into()],
        ..Default::default()
    };
    let status = segments.add_contacts(add).await.unwrap_err();
    assert_current(&status, "CONTACT_MERGED", "FORMER", "KEPT");
    assert_eq!(info(&status).metadata["count"], "2");
}

#[tokio::test]
async fn chains_end_at_the_last_name_and_a_deletion_frees_them_all() {
    let mut tenant = Tenant::new().await;
    for id in ["A", "B", "C", "D"] {
        tenant.create(person(id, "")).await;
    }
    tenant.merge("B", "A").await.unwrap();
    tenant.merge("C", "B").await.unwrap();
    tenant.merge("C", "D").await.unwrap();
    for former in ["A", "B", "D"] {
        let status = tenant.get_contact(former).await.unwrap_err();
        assert_current(&status, "CONTACT_MERGED", former, "C");
    }
    tenant.delete_contact("C", "", false).await.unwrap();
    let unknown = (Code::NotFound, "CONTACT_NOT_FOUND".to_owned());
    for former in ["A", "B", "C", "D"] {
        assert_eq!(refused(tenant.get_contact(former).await), unknown);
        tenant.create(person(former, "")).await;
    }
    tenant.assert_consistent().await;
}
