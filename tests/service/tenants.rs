//! Isolation, creation and deletion of tenants.

mod admin;
mod deletion;
mod explicit;
mod rates;

use mailing_groups::pb::{self, tenants_client::TenantsClient};
use tonic::{Code, Request, Status, metadata::MetadataValue, transport::Channel};

use crate::support::{
    Server, Tenant, company, info, new_group, pairs, refused, tables, violations,
};

async fn admin(server: &Server) -> TenantsClient<Channel> {
    TenantsClient::new(server.channel().await)
}

async fn create(server: &Server, name: &str, request_id: &str) -> Result<pb::Tenant, Status> {
    let tenant = pb::Tenant {
        name: name.into(),
        ..Default::default()
    };
    create_as(server, tenant, request_id).await
}

async fn create_as(
    server: &Server,
    tenant: pb::Tenant,
    request_id: &str,
) -> Result<pb::Tenant, Status> {
    let request = pb::CreateTenantRequest {
        tenant: Some(tenant),
        request_id: request_id.into(),
    };
    let created = admin(server).await.create_tenant(request).await?;
    Ok(created.into_inner().tenant.unwrap())
}

async fn get(server: &Server, name: &str) -> Result<pb::Tenant, Status> {
    let request = pb::GetTenantRequest { name: name.into() };
    let found = admin(server).await.get_tenant(request).await?;
    Ok(found.into_inner().tenant.unwrap())
}

#[tokio::test]
async fn tenants_are_isolated() {
    let (mut one, mut two) = (Tenant::new().await, Tenant::new().await);
    for tenant in [&mut one, &mut two] {
        tenant.group("MOVE").await;
        tenant.create(company("A")).await;
    }
    one.create(company("ONLY")).await;
    one.assign("A", "MOVE").await;
    assert_eq!(two.counts("MOVE").await, (0, 0, 0));
    assert_eq!(two.codes("A").await, Vec::<String>::new());
    let gone = Code::NotFound;
    assert_eq!(refused(two.get_contact("ONLY").await).0, gone);
    assert_eq!(refused(two.try_assign("ONLY", "MOVE").await).0, gone);
    assert_eq!(refused(two.merge("A", "ONLY").await).0, gone);
    two.delete_group("MOVE", "", true).await.unwrap();
    two.delete_contact("A", "", true).await.unwrap();
    assert_eq!(one.counts("MOVE").await, (1, 1, 0));
    one.assert_consistent().await;
    two.assert_consistent().await;
}

#[tokio::test]
async fn reading_an_unknown_tenant_does_not_create_it() {
    let server = Server::shared().await;
    let mut tenant = Tenant::of(server, "nobody-yet").await;
    let groups = tenant
        .groups
        .list_mailing_groups(pb::ListMailingGroupsRequest::default());
    assert_eq!(groups.await.unwrap().into_inner(), Default::default());
    let contacts = tenant
        .contacts
        .list_contacts(pb::ListContactsRequest::default());
    assert_eq!(contacts.await.unwrap().into_inner(), Default::default());
    assert_eq!(refused(tenant.get_group("MOVE").await).0, Code::NotFound);
    assert_eq!(refused(tenant.get_contact("A").await).0, Code::NotFound);
    // A rejected write does not create it either.
    assert_eq!(
        refused(tenant.try_assign("A", "MOVE").await).0,
        Code::NotFound
    );
    let invalid = tenant.create_group(new_group("X-CARD", ""), "").await;
    assert_eq!(refused(invalid).0, Code::InvalidArgument);
    let client = tables::shared().await;
    assert_eq!(tables::tenant_id(&client, "nobody-yet").await, None);
    tenant.group("MOVE").await;
    assert!(tables::tenant_id(&client, "nobody-yet").await.is_some());
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn tenants_created_concurrently_get_distinct_numbers() {
    let server = Server::shared().await;
    let calls = (0..24).map(|n| async move {
        // Two callers for each of twelve tenants.
        let mut tenant = Tenant::of(server, &format!("born-{}", n % 12)).await;
        let code = format!("G{n}");
        tenant.group(&code).await;
    });
    futures_util::future::join_all(calls).await;
    let client = tables::shared().await;
    let mut numbers = std::collections::BTreeSet::new();
    for n in 0..12 {
        let mut tenant = Tenant::of(server, &format!("born-{n}")).await;
        numbers.insert(tables::tenant_id(&client, &tenant.name).await.unwrap());
        let done = tenant.batch_assign(pairs(&[]), "").await.unwrap();
        assert_eq!(done.revision, 2);
        tenant.assert_consistent().await;
    }
    assert_eq!(numbers.len(), 12);
}

#[tokio::test]
async fn an_invalid_tenant_name_is_rejected() {
    let tenant = Tenant::new().await;
    let mut client = tenant.unnamed;
    for name in ["", "Acme", "a b", "a_b", "a.b", &"x".repeat(64)] {
        let mut request = Request::new(pb::ListMailingGroupsRequest::default());
        request
            .metadata_mut()
            .insert("x-tenant", name.parse().unwrap());
        let status = client.list_mailing_groups(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{name:?}");
        assert_eq!(
            (violations(&status), info(&status).reason.as_str()),
            (vec!["x-tenant".into()], "INVALID_FIELD")
        );
    }
    let mut request = Request::new(pb::ListMailingGroupsRequest::default());
    let opaque = MetadataValue::try_from(&b"caf\xe9"[..]).unwrap();
    request.metadata_mut().insert("x-tenant", opaque);
    let status = client.list_mailing_groups(request).await.unwrap_err();
    assert_eq!(violations(&status), ["x-tenant"]);
    assert_eq!(status.message(), "x-tenant must be ASCII text");
}

#[tokio::test]
async fn a_call_with_two_tenants_is_refused() {
    let mut client = Tenant::new().await.unnamed;
    let mut request = Request::new(pb::ListMailingGroupsRequest::default());
    for name in ["one", "two"] {
        request
            .metadata_mut()
            .append("x-tenant", name.parse().unwrap());
    }
    let status = client.list_mailing_groups(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(violations(&status), ["x-tenant"]);
    let text = "x-tenant must have one value; the call has 2";
    assert_eq!(status.message(), text);
}

#[tokio::test]
async fn without_a_name_the_tenant_is_default() {
    let server = Server::start().await;
    let mut named = Tenant::of(&server, "default").await;
    let group = named.group("MOVE").await;
    let request = pb::GetMailingGroupRequest {
        code: "MOVE".into(),
    };
    let found = named.unnamed.get_mailing_group(request).await.unwrap();
    assert_eq!(found.into_inner().mailing_group.unwrap(), group);
    let mut longest = Tenant::of(&server, &"a-0".repeat(21)).await;
    longest.group("MOVE").await;
}
