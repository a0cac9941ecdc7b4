//! Creating something under a name that was given up.

use std::collections::HashMap;

use mailing_groups::pb::{self, import_contacts_request as to_contacts, import_contacts_response};
use tonic::{Code, Status};

use super::given_up;
use crate::support::{Tenant, company, contact_chunk, info, new_group, person, refused};

#[track_caller]
fn assert_reserved(status: &Status, reason: &str, former: &str, current: &str) {
    assert_eq!(status.code(), Code::AlreadyExists, "{status:?}");
    let found = info(status);
    let metadata = |key: &str| found.metadata.get(key).map(String::as_str);
    assert_eq!(found.reason, reason);
    assert_eq!(
        (metadata("former"), metadata("current")),
        (Some(former), Some(current))
    );
    assert!(
        status.message().contains("reuse_former"),
        "{}",
        status.message()
    );
}

async fn create_group(tenant: &mut Tenant, code: &str, reuse_former: bool) -> Result<(), Status> {
    let request = pb::CreateMailingGroupRequest {
        mailing_group: Some(new_group(code, "")),
        reuse_former,
        ..Default::default()
    };
    tenant.groups.create_mailing_group(request).await.map(drop)
}

async fn rename(tenant: &mut Tenant, code: &str, new: &str, reuse: bool) -> Result<(), Status> {
    let request = pb::RenameMailingGroupRequest {
        code: code.into(),
        new_code: new.into(),
        reuse_former: reuse,
        ..Default::default()
    };
    tenant.groups.rename_mailing_group(request).await.map(drop)
}

async fn create_contact(
    tenant: &mut Tenant,
    contact: pb::Contact,
    reuse: bool,
) -> Result<(), Status> {
    let request = pb::CreateContactRequest {
        contact: Some(contact),
        reuse_former: reuse,
        ..Default::default()
    };
    tenant.contacts.create_contact(request).await.map(drop)
}

async fn put_contact(tenant: &mut Tenant, contact: pb::Contact, reuse: bool) -> Result<(), Status> {
    let request = pb::UpdateContactRequest {
        contact: Some(contact),
        allow_missing: true,
        reuse_former: reuse,
        ..Default::default()
    };
    tenant.contacts.update_contact(request).await.map(drop)
}

#[tokio::test]
async fn a_former_code_is_given_to_another_group_only_on_request() {
    let mut tenant = given_up().await;
    let status = create_group(&mut tenant, "OLD", false).await.unwrap_err();
    assert_reserved(&status, "MAILING_GROUP_RENAMED", "OLD", "NEW");
    let status = rename(&mut tenant, "G", "OLD", false).await.unwrap_err();
    assert_reserved(&status, "MAILING_GROUP_RENAMED", "OLD", "NEW");
    // A group takes its own former code back.
    rename(&mut tenant, "NEW", "OLD", false).await.unwrap();
    rename(&mut tenant, "OLD", "NEW", false).await.unwrap();
    create_group(&mut tenant, "OLD", true).await.unwrap();
    // The code is a former one of no group any more.
    tenant.delete_group("OLD", "", false).await.unwrap();
    let unknown = (Code::NotFound, "MAILING_GROUP_NOT_FOUND".to_owned());
    assert_eq!(refused(tenant.get_group("OLD").await), unknown);
    create_group(&mut tenant, "OLD", false).await.unwrap();
    rename(&mut tenant, "OLD", "OTHER", false).await.unwrap();
    rename(&mut tenant, "G", "OLD", true).await.unwrap();
    assert_eq!(tenant.get_group("OLD").await.unwrap().code, "OLD");
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn the_id_of_a_merged_contact_is_given_to_another_only_on_request() {
    let mut tenant = given_up().await;
    let new = || person("FORMER", "");
    let status = create_contact(&mut tenant, new(), false).await.unwrap_err();
    assert_reserved(&status, "CONTACT_MERGED", "FORMER", "KEPT");
    let status = put_contact(&mut tenant, new(), false).await.unwrap_err();
    assert_reserved(&status, "CONTACT_MERGED", "FORMER", "KEPT");
    let keyed = tenant.create_contact(new(), "key").await.unwrap_err();
    assert_reserved(&keyed, "CONTACT_MERGED", "FORMER", "KEPT");
    create_contact(&mut tenant, new(), true).await.unwrap();
    put_contact(&mut tenant, company("FORMERC"), true)
        .await
        .unwrap();
    for id in ["FORMER", "FORMERC"] {
        assert_eq!(tenant.get_contact(id).await.unwrap().id, id);
        tenant.delete_contact(id, "", false).await.unwrap();
        let unknown = (Code::NotFound, "CONTACT_NOT_FOUND".to_owned());
        assert_eq!(refused(tenant.get_contact(id).await), unknown);
    }
    // Merged once more, the id names the other contact.
    create_contact(&mut tenant, new(), false).await.unwrap();
    tenant.merge("P", "FORMER").await.unwrap();
    let status = tenant.get_contact("FORMER").await.unwrap_err();
    assert_eq!(info(&status).metadata["current"], "P");
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn the_series_of_ids_leaves_out_those_of_merged_contacts() {
    let mut tenant = Tenant::new().await;
    for id in ["CT000001", "CT000002"] {
        tenant.create(person(id, "")).await;
    }
    tenant.merge("CT000002", "CT000001").await.unwrap();
    assert_eq!(tenant.create(person("", "")).await.id, "CT000003");
}

#[tokio::test]
async fn an_import_creates_contacts_under_former_ids_only_on_request() {
    let mut tenant = given_up().await;
    let rows = || {
        vec![
            person("FORMER", ""),
            company("FORMERC"),
            person("Q", "FORMERC"),
        ]
    };
    let metadata = |former: &str, current: &str| {
        let pairs = [("former", former), ("current", current)];
        let pairs = pairs.map(|(key, name)| (key.to_owned(), name.to_owned()));
        HashMap::from(pairs)
    };
    for (validate_only, reuse_former) in
        [(true, false), (false, false), (true, true), (false, true)]
    {
        let mut upload = tenant.upload_contacts().await;
        let start = to_contacts::Start {
            validate_only,
            reuse_former,
            ..Default::default()
        };
        upload.send(to_contacts::Message::Start(start)).await;
        upload.send(contact_chunk(rows())).await;
        let (rejections, progress) = upload.until(3).await.unwrap();
        let rejection = |it: pb::ImportContactsResponse| match it.message.unwrap() {
            import_contacts_response::Message::Rejection(it) => (it.field, it.metadata),
            other => panic!("no rejection but {other:?}"),
        };
        let rejections: Vec<_> = rejections.into_iter().map(rejection).collect();
        if reuse_former {
            assert_eq!(rejections, [], "{progress:?}");
            continue;
        }
        let wanted = [
            ("id".to_owned(), metadata("FORMER", "KEPT")),
            ("id".to_owned(), metadata("FORMERC", "KEPTC")),
            ("company_id".to_owned(), metadata("FORMERC", "KEPTC")),
        ];
        assert_eq!(rejections, wanted);
    }
    assert_eq!(tenant.get_contact("Q").await.unwrap().company_id, "FORMERC");
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_person_before_its_company_is_refused_if_the_company_is() {
    let mut tenant = given_up().await;
    let contacts = || vec![person("Q", "FORMERC"), company("FORMERC")];
    let request = pb::BatchCreateContactsRequest {
        contacts: contacts(),
        ..Default::default()
    };
    let created = tenant.contacts.batch_create_contacts(request).await;
    let results = created.unwrap().into_inner().results;
    let results: Vec<_> = results.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(results, ["company_id", "id"]);
    let mut upload = tenant.upload_contacts().await;
    let start = to_contacts::Start::default();
    upload.send(to_contacts::Message::Start(start)).await;
    upload.send(contact_chunk(contacts())).await;
    let (rejections, _) = upload.until(2).await.unwrap();
    assert_eq!(rejections.len(), 2);
}
