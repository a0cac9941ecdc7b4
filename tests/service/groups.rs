//! Defining, renaming and deleting groups.

use mailing_groups::api::pb;
use tonic::Code;

use crate::support::{Tenant, company, info, person, refused, violations};

fn create(code: &str) -> pb::CreateMailingGroupRequest {
    let mailing_group = Some(pb::MailingGroup {
        code: code.into(),
        ..Default::default()
    });
    pb::CreateMailingGroupRequest {
        mailing_group,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_code_is_trimmed_and_upper_cased_and_taken_once() {
    let mut tenant = Tenant::new().await;
    assert_eq!(tenant.group(" move ").await.code, "MOVE");
    let again = tenant.groups.create_mailing_group(create("Move")).await;
    assert_eq!(
        refused(again),
        (Code::AlreadyExists, "MAILING_GROUP_ALREADY_EXISTS".into())
    );
}

#[tokio::test]
async fn codes_that_break_a_rule_name_the_field() {
    let mut tenant = Tenant::new().await;
    for code in ["", " ", "DÉMÉNAGEMENT", "A B", "X-CARD", "🎁"] {
        let status = tenant
            .groups
            .create_mailing_group(create(code))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{code}");
        assert_eq!(violations(&status), ["mailing_group.code"], "{code}");
    }
    for code in ["CADEAU", "2017", "ÉÈÊËÀÂÄÎÏÔÖ"] {
        assert_eq!(tenant.group(code).await.code, code);
    }
}

#[tokio::test]
async fn a_renamed_group_keeps_its_members_and_says_where_it_went() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.group("GIFT").await;
    tenant.create(company("A")).await;
    tenant.create(person("C", "A")).await;
    tenant.assign("A", "MOVE").await;
    tenant.assign("C", "move").await;
    let rename = |new_code: &str| pb::RenameMailingGroupRequest {
        code: "MOVE".into(),
        new_code: new_code.into(),
        etag: String::new(),
    };
    let taken = tenant.groups.rename_mailing_group(rename("gift")).await;
    assert_eq!(refused(taken).0, Code::AlreadyExists);
    let renamed = tenant
        .groups
        .rename_mailing_group(rename("relocate"))
        .await
        .unwrap();
    let group = renamed.into_inner().mailing_group.unwrap();
    assert_eq!((group.code.as_str(), group.contact_count), ("RELOCATE", 2));
    assert_eq!(tenant.codes("C").await, ["RELOCATE"]);
    let gone = tenant.get_group("MOVE").await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(info(&gone).metadata["renamed_to"], "RELOCATE");
}

#[tokio::test]
async fn a_group_with_members_is_deleted_by_force_only() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    tenant.assign("A", "MOVE").await;
    let delete = |force| pb::DeleteMailingGroupRequest {
        code: "MOVE".into(),
        force,
        etag: String::new(),
    };
    let status = tenant
        .groups
        .delete_mailing_group(delete(false))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(info(&status).metadata["count"], "1");
    let deleted = tenant
        .groups
        .delete_mailing_group(delete(true))
        .await
        .unwrap();
    assert_eq!(deleted.into_inner().unassigned_count, 1);
    assert_eq!(
        tenant.get_contact("A").await.unwrap().mailing_group_count,
        0
    );
}
