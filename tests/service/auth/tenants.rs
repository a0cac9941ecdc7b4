//! Which tenant a call is in, and which tenants a caller may administer.

use mailing_groups::pb;
use tonic::Code;

use super::caller::{Caller, changes, scene};
use crate::support::{refused, violations};

#[tokio::test]
async fn a_call_is_in_the_only_granted_tenant_or_the_named_one() {
    let scene = scene().await;
    let unnamed = |key: &'static str| Caller::new(&scene, key, None);
    let named = |key: &'static str, name: &'static str| Caller::new(&scene, key, Some(name));
    unnamed("mgk_a").await.create_group("ONLY").await.unwrap();
    named("mgk_both", "globex")
        .await
        .create_group("NAMED")
        .await
        .unwrap();
    let codes = async |mut caller: Caller| caller.codes().await.unwrap();
    assert_eq!(codes(named("mgk_a", "acme").await).await, ["ONLY"]);
    assert_eq!(codes(unnamed("mgk_g").await).await, ["NAMED"]);
    assert_eq!(codes(named("mgk_all", "acme").await).await, ["ONLY"]);
    for key in ["mgk_both", "mgk_all"] {
        let status = unnamed(key).await.codes().await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(violations(&status), ["x-tenant"]);
    }
    let denied = (Code::PermissionDenied, "TENANT_NOT_GRANTED".to_owned());
    for name in ["globex", "missing"] {
        let outcome = named("mgk_a", name).await.codes().await;
        assert_eq!(refused(outcome), denied);
    }
}

#[tokio::test]
async fn tenants_are_listed_and_administered_as_granted() {
    let scene = scene().await;
    let mut a = Caller::new(&scene, "mgk_a", None).await;
    let mut all = Caller::new(&scene, "mgk_all", None).await;
    let mut both = Caller::new(&scene, "mgk_both", None).await;
    let create = |name: &str| pb::CreateTenantRequest {
        tenant: Some(pb::Tenant {
            name: name.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    a.tenants.create_tenant(create("acme")).await.unwrap();
    for name in ["globex", "initech"] {
        let outcome = a.tenants.create_tenant(create(name)).await;
        let denied = (Code::PermissionDenied, "TENANT_NOT_GRANTED".to_owned());
        assert_eq!(refused(outcome), denied);
        all.tenants.create_tenant(create(name)).await.unwrap();
    }
    assert_eq!(a.tenant_names().await, ["acme"]);
    assert_eq!(both.tenant_names().await, ["acme", "globex"]);
    assert_eq!(all.tenant_names().await, ["acme", "globex", "initech"]);
    let page = pb::ListTenantsRequest {
        page_size: 1,
        ..Default::default()
    };
    let page = a.tenants.list_tenants(page).await.unwrap().into_inner();
    assert_eq!(page.next_page_token, "");
}

#[tokio::test]
async fn who_am_i_says_what_a_caller_may_do() {
    let scene = scene().await;
    let mut both = Caller::new(&scene, "mgk_both", None).await;
    let who = both.identity.who_am_i(pb::WhoAmIRequest {}).await.unwrap();
    let who = who.into_inner();
    assert_eq!((&*who.principal, who.expire_time), ("both", None));
    assert_eq!(who.kind(), pb::PrincipalKind::ApiKey);
    assert_eq!(who.access(), pb::Access::Admin);
    assert_eq!(who.tenants, ["acme", "globex"]);
}

#[tokio::test]
async fn revisions_name_who_made_them() {
    let scene = scene().await;
    let acme = Some("acme");
    let mut a = Caller::new(&scene, "mgk_a", acme).await;
    let mut all = Caller::new(&scene, "mgk_all", acme).await;
    a.create_group("ONE").await.unwrap();
    all.create_group("TWO").await.unwrap();
    let contact = pb::CreateContactRequest {
        contact: Some(pb::Contact {
            id: "c".into(),
            kind: pb::ContactKind::Person.into(),
            name: "C".into(),
            ..Default::default()
        }),
        request_id: "once".into(),
        ..Default::default()
    };
    a.contacts.create_contact(contact.clone()).await.unwrap();
    let repeated = all.contacts.create_contact(contact).await.unwrap();
    assert_eq!(repeated.into_inner().contact.unwrap().id, "c");
    let assign = pb::AssignMailingGroupRequest {
        contact_id: "c".into(),
        code: "ONE".into(),
    };
    all.groups.assign_mailing_group(assign).await.unwrap();
    let request = pb::ListRevisionsRequest::default();
    let listed = a.groups.list_revisions(request).await.unwrap().into_inner();
    let actors = listed.revisions.iter().map(|it| it.actors.join(" "));
    assert_eq!(actors.collect::<Vec<_>>(), ["all", "a", "all", "a"]);
    let seen = changes(&mut a, 4).await;
    assert_eq!(seen.matches("actors: [\"all\"]").count(), 2, "{seen}");
}
