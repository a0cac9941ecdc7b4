//! `--tenants explicit`: only `CreateTenant` creates tenants.

use mailing_groups::pb::{
    self,
    import_contacts_request::{Message as ToContacts, Start},
};
use tonic::Code;

use super::{create, get};
use crate::support::{
    Server, Tenant, company, contact_chunk, info, new_group, refused, resource, select,
};

#[tokio::test]
async fn calls_for_an_unknown_tenant_are_refused() {
    let server = Server::with_explicit_tenants().await;
    let mut acme = Tenant::of(&server, "acme").await;
    let missing = (Code::NotFound, "TENANT_NOT_FOUND".to_owned());
    let status = acme.get_contact("A").await.unwrap_err();
    assert_eq!(info(&status).reason, "TENANT_NOT_FOUND");
    let named = ("mailinggroups.v1.Tenant".into(), "acme".into());
    assert_eq!(resource(&status), named);
    let listed = pb::ListMailingGroupsRequest::default();
    assert_eq!(
        refused(acme.groups.list_mailing_groups(listed).await),
        missing
    );
    assert_eq!(refused(acme.try_create(company("A")).await), missing);
    assert_eq!(refused(acme.try_assign("A", "MOVE").await), missing);
    let group = acme.create_group(new_group("MOVE", ""), "").await;
    assert_eq!(refused(group), missing);
    let streamed = acme.stream(select("*")).await;
    assert_eq!(refused(streamed.map(|_| ())), missing);
    let upload = acme.upload_contacts().await;
    upload.send(ToContacts::Start(Start::default())).await;
    upload.send(contact_chunk(vec![company("A")])).await;
    assert_eq!(refused(upload.close().await), missing);
    assert_eq!(refused(get(&server, "acme").await), missing);
}

#[tokio::test]
async fn a_created_tenant_can_be_used() {
    let server = Server::with_explicit_tenants().await;
    create(&server, "acme", "").await.unwrap();
    let mut acme = Tenant::of(&server, "acme").await;
    acme.create(company("A")).await;
    assert_eq!(get(&server, "acme").await.unwrap().revision, 1);
}
