//! Defining, describing and deleting groups. Renaming has a file of its own.

use mailing_groups::pb;
use tonic::Code;

use crate::support::{
    Tenant, company, info, mask, new_group, person, refused, resource, unmet, violations,
};

#[tokio::test]
async fn codes_are_trimmed_upper_cased_and_unique() {
    let mut tenant = Tenant::new().await;
    let made = tenant
        .create_group(new_group(" move ", "Office move"), "")
        .await
        .unwrap();
    let group = made.mailing_group.unwrap();
    assert_eq!(
        (group.code.as_str(), group.description.as_str()),
        ("MOVE", "Office move")
    );
    assert_eq!((group.revision, made.revision), (1, 1));
    assert_eq!(group.create_time, group.update_time);
    let again = tenant
        .create_group(new_group("Move", ""), "")
        .await
        .unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    assert_eq!(info(&again).reason, "MAILING_GROUP_ALREADY_EXISTS");
    let named = ("mailinggroups.v1.MailingGroup".into(), "MOVE".into());
    assert_eq!(resource(&again), named);
    assert_eq!(tenant.get_group("\tmoVe ").await.unwrap(), group);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn codes_that_break_a_rule_name_the_field_and_the_rule() {
    let mut tenant = Tenant::new().await;
    for (code, rule) in [
        ("", "must not be blank"),
        (" \t", "must not be blank"),
        ("DÉMÉNAGEMENT", "at most 11 characters; it has 12"),
        (
            "De\u{301}me\u{301}nagement",
            "at most 11 characters; it has 12",
        ),
        ("A B", "letters and digits only"),
        ("X-CARD", "letters and digits only"),
        ("A_B", "letters and digits only"),
        ("🎁", "letters and digits only"),
        ("🅰", "letters and digits only"),
        ("A\u{200B}", "letters and digits only"),
        ("A\0", "letters and digits only"),
    ] {
        let outcome = tenant.create_group(new_group(code, ""), "").await;
        let status = outcome.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{code}");
        assert_eq!(violations(&status), ["mailing_group.code"], "{code}");
        assert!(
            status.message().contains(rule),
            "{code}: {}",
            status.message()
        );
        assert_eq!(info(&status).reason, "INVALID_FIELD");
    }
}

#[tokio::test]
async fn codes_accept_any_script_and_are_normalized() {
    let mut tenant = Tenant::new().await;
    for code in [
        "CADEAU",
        "2017",
        "ÉÈÊËÀÂÄÎÏÔÖ",
        "ΜΕΤΑΚΟΜΙΣΗ",
        "移転",
        "हिन्दी",
    ] {
        assert_eq!(tenant.group(code).await.code, code);
    }
    assert_eq!(tenant.group("straße").await.code, "STRASSE");
    assert_eq!(tenant.group("ＭＯＶＥ").await.code, "MOVE");
    assert_eq!(tenant.get_group("move").await.unwrap().code, "MOVE");
    tenant.create(company("A")).await;
    tenant.assign("A", "ｍｏｖｅ").await;
    for expression in ["ｍove", "ｍo*", "\"ＭＯＶＥ\""] {
        assert_eq!(tenant.members(expression).await, ["A"]);
    }
    tenant.group("e\u{301}te\u{301}").await;
    assert_eq!(tenant.get_group("ÉTÉ").await.unwrap().code, "ÉTÉ");
    let again = tenant.create_group(new_group("été", ""), "").await;
    assert_eq!(refused(again).0, Code::AlreadyExists);
}

#[tokio::test]
async fn descriptions_have_at_most_100_characters() {
    let mut tenant = Tenant::new().await;
    let longest = "é".repeat(100);
    let made = tenant.create_group(new_group("A", &longest), "").await;
    assert_eq!(made.unwrap().mailing_group.unwrap().description, longest);
    let longer = new_group("B", &"é".repeat(101));
    let status = tenant.create_group(longer.clone(), "").await.unwrap_err();
    assert_eq!(violations(&status), ["mailing_group.description"]);
    let update = pb::MailingGroup {
        code: "A".into(),
        ..longer
    };
    let status = tenant.update_group(update, None).await.unwrap_err();
    assert_eq!(violations(&status), ["mailing_group.description"]);
    let missing = tenant
        .groups
        .create_mailing_group(pb::CreateMailingGroupRequest::default());
    assert_eq!(violations(&missing.await.unwrap_err()), ["mailing_group"]);
}

#[tokio::test]
async fn an_update_changes_only_the_fields_in_the_mask() {
    let mut tenant = Tenant::new().await;
    tenant
        .create_group(new_group("MOVE", "old"), "")
        .await
        .unwrap();
    for (sent, paths, description, revision) in [
        ("first", None, "first", 2),
        ("", None, "first", 2),
        ("", mask(&[]), "first", 2),
        ("second", mask(&["description"]), "second", 3),
        ("second", mask(&["*"]), "second", 3),
        ("", mask(&["*"]), "", 4),
    ] {
        let updated = tenant
            .update_group(new_group("move", sent), paths)
            .await
            .unwrap();
        let group = updated.mailing_group.unwrap();
        assert_eq!(
            (group.description.as_str(), updated.revision),
            (description, revision)
        );
        assert_eq!(tenant.get_group("MOVE").await.unwrap(), group);
    }
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_mask_with_an_unknown_field_is_rejected() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    let endless = "x".repeat(1_000_000);
    for path in ["code", "contact_count", "Description", "", &endless] {
        let outcome = tenant.update_group(new_group("MOVE", "x"), mask(&["description", path]));
        let status = outcome.await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{path:.20}");
        assert_eq!(violations(&status), ["update_mask"]);
    }
    assert_eq!(tenant.get_group("MOVE").await.unwrap().description, "");
}

#[tokio::test]
async fn an_etag_changes_only_with_code_or_description() {
    let mut tenant = Tenant::new().await;
    let etag = tenant.group("MOVE").await.etag;
    tenant.create(company("A")).await;
    tenant.assign("A", "MOVE").await;
    assert_eq!(tenant.get_group("MOVE").await.unwrap().etag, etag);
    let with = |etag: &str, description| pb::MailingGroup {
        etag: etag.into(),
        ..new_group("MOVE", description)
    };
    let current = tenant.update_group(with(&etag, "new"), None).await.unwrap();
    let current = current.mailing_group.unwrap().etag;
    assert_ne!(current, etag);
    assert!(
        current.starts_with("W/\"") && current.ends_with('"'),
        "{current}"
    );
    let stale = (Code::Aborted, "ETAG_MISMATCH".to_owned());
    assert_eq!(
        refused(tenant.update_group(with(&etag, "x"), None).await),
        stale
    );
    assert_eq!(refused(tenant.rename("MOVE", "GONE", &etag).await), stale);
    assert_eq!(
        refused(tenant.delete_group("MOVE", &etag, true).await),
        stale
    );
    assert_eq!(tenant.get_group("MOVE").await.unwrap().description, "new");
    let unquoted = current[3..].trim_end_matches('"');
    assert_eq!(
        refused(tenant.delete_group("MOVE", unquoted, true).await),
        stale
    );
    tenant.delete_group("MOVE", &current, true).await.unwrap();
}

#[tokio::test]
async fn unknown_groups_are_not_found() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("A")).await;
    let unknown = (Code::NotFound, "MAILING_GROUP_NOT_FOUND".to_owned());
    assert_eq!(refused(tenant.get_group("MOVE").await), unknown);
    let update = tenant.update_group(new_group("MOVE", "x"), None).await;
    assert_eq!(refused(update), unknown);
    assert_eq!(refused(tenant.rename("MOVE", "GIFT", "").await), unknown);
    assert_eq!(
        refused(tenant.delete_group("MOVE", "", true).await),
        unknown
    );
    assert_eq!(refused(tenant.try_assign("A", "MOVE").await), unknown);
    assert_eq!(refused(tenant.unassign("A", "MOVE").await), unknown);
    assert_eq!(refused(tenant.replace("A", &["MOVE"], "").await), unknown);
    let status = tenant.get_group("move").await.unwrap_err();
    assert_eq!(resource(&status).1, "MOVE");
}

#[tokio::test]
async fn a_group_with_members_is_deleted_only_with_force() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.group("GIFT").await;
    tenant.create(company("A")).await;
    tenant.create(person("P", "A")).await;
    tenant.assign("A", "MOVE").await;
    tenant.assign("P", "MOVE").await;
    tenant.assign("P", "GIFT").await;
    let status = tenant.delete_group("MOVE", "", false).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(info(&status).metadata["count"], "2");
    let (kind, subject, description) = unmet(&status).remove(0);
    assert_eq!(
        (kind.as_str(), subject.as_str()),
        ("MAILING_GROUP_HAS_MEMBERS", "MOVE")
    );
    assert!(description.contains('2'), "{description}");
    let before = tenant.get_contact("P").await.unwrap();
    let deleted = tenant.delete_group("move", "", true).await.unwrap();
    assert_eq!(
        (deleted.unassigned_count, deleted.revision),
        (2, before.revision + 1)
    );
    let after = tenant.get_contact("P").await.unwrap();
    assert_eq!(
        (before.mailing_group_count, after.mailing_group_count),
        (2, 1)
    );
    assert_ne!(before.etag, after.etag);
    assert_eq!(tenant.codes("P").await, ["GIFT"]);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_group_without_members_is_deleted_and_its_code_released() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    tenant.assign("A", "MOVE").await;
    tenant.unassign("A", "MOVE").await.unwrap();
    let deleted = tenant.delete_group("MOVE", "", false).await.unwrap();
    assert_eq!(deleted.unassigned_count, 0);
    assert_eq!(tenant.group("MOVE").await.contact_count, 0);
    assert_eq!(tenant.codes("A").await, Vec::<String>::new());
    tenant.assert_consistent().await;
}
