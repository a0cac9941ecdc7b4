//! Which tenant a call is in, and that nothing of one is seen by callers of another.

use mailing_groups::pb::{
    self, contacts_client::ContactsClient, identity_client::IdentityClient,
    mailing_groups_client::MailingGroupsClient, tenants_client::TenantsClient,
    watch_changes_response::Message,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tonic::{
    Code, Request, Status,
    metadata::AsciiMetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use super::scene::{Scene, api_key};
use crate::support::{info, refused, violations};

/// Sends a key with every request, and names a tenant.
#[derive(Clone)]
struct AsKey(AsciiMetadataValue, Option<AsciiMetadataValue>);

impl Interceptor for AsKey {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.0.clone());
        if let Some(tenant) = &self.1 {
            metadata.insert("x-tenant", tenant.clone());
        }
        Ok(request)
    }
}

type Transport = InterceptedService<Channel, AsKey>;

/// A caller with a key.
#[derive(Clone)]
struct Caller {
    groups: MailingGroupsClient<Transport>,
    contacts: ContactsClient<Transport>,
    tenants: TenantsClient<Transport>,
    identity: IdentityClient<Transport>,
}

impl Caller {
    async fn new(scene: &Scene, key: &str, tenant: Option<&str>) -> Self {
        let key = AsKey(
            format!("Bearer {key}").parse().unwrap(),
            tenant.map(|it| it.parse().unwrap()),
        );
        let transport = InterceptedService::new(scene.server.channel().await, key);
        Self {
            groups: MailingGroupsClient::new(transport.clone()),
            contacts: ContactsClient::new(transport.clone()),
            tenants: TenantsClient::new(transport.clone()),
            identity: IdentityClient::new(transport),
        }
    }

    async fn create_group(&mut self, code: &str) -> Result<pb::MailingGroup, Status> {
        let request = pb::CreateMailingGroupRequest {
            mailing_group: Some(pb::MailingGroup {
                code: code.into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let answer = self.groups.create_mailing_group(request).await?;
        Ok(answer.into_inner().mailing_group.unwrap())
    }

    async fn codes(&mut self) -> Result<Vec<String>, Status> {
        let request = pb::ListMailingGroupsRequest::default();
        let answer = self.groups.list_mailing_groups(request).await?.into_inner();
        let groups = answer.mailing_groups.into_iter();
        Ok(groups.map(|it| it.code).collect())
    }

    async fn tenant_names(&mut self) -> Vec<String> {
        let request = pb::ListTenantsRequest::default();
        let answer = self.tenants.list_tenants(request).await.unwrap();
        let tenants = answer.into_inner().tenants.into_iter();
        tenants.map(|it| it.name).collect()
    }
}

async fn scene() -> Scene {
    let rules = [
        api_key("mgk_a", "a", &["acme"], "admin"),
        api_key("mgk_g", "g", &["globex"], "admin"),
        api_key("mgk_both", "both", &["acme", "globex"], "admin"),
        api_key("mgk_all", "all", &["*"], "admin"),
    ];
    Scene::start(&rules.concat()).await
}

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

/// What a caller should see: its own contacts by id, with their names.
type World = std::collections::BTreeMap<String, String>;

/// Two tenants use the same ids and codes; each sees its own data only, whatever they do.
#[tokio::test]
async fn nothing_of_a_tenant_is_seen_by_another() {
    let scene = scene().await;
    let mut random = StdRng::seed_from_u64(11);
    let names = ["mgk_a", "mgk_g"];
    let mut callers = Vec::new();
    for key in names {
        callers.push(Caller::new(&scene, key, None).await);
    }
    let mut worlds = [World::new(), World::new()];
    let mut tokens = [String::new(), String::new()];
    for step in 0..150 {
        let at = random.random_range(0..2);
        let (own, other) = (names[at], names[1 - at]);
        let (caller, world) = (&mut callers[at], &mut worlds[at]);
        let id = format!("c{}", random.random_range(0..8));
        match random.random_range(0..4) {
            0 => {
                let name = format!("{own}-{step}");
                let request = pb::UpdateContactRequest {
                    contact: Some(pb::Contact {
                        id: id.clone(),
                        kind: pb::ContactKind::Person.into(),
                        name: name.clone(),
                        ..Default::default()
                    }),
                    allow_missing: true,
                    ..Default::default()
                };
                let answer = caller.contacts.update_contact(request).await.unwrap();
                assert!(!format!("{answer:?}").contains(other));
                world.insert(id, name);
            }
            1 => {
                let request = pb::GetContactRequest { id: id.clone() };
                match caller.contacts.get_contact(request).await {
                    Ok(answer) => {
                        let contact = answer.into_inner().contact.unwrap();
                        assert_eq!(Some(&contact.name), world.get(&id));
                    }
                    Err(status) => {
                        assert_eq!(info(&status).reason, "CONTACT_NOT_FOUND");
                        assert!(!world.contains_key(&id) && !format!("{status:?}").contains(other));
                    }
                }
            }
            2 => {
                let request = pb::DeleteContactRequest {
                    id: id.clone(),
                    ..Default::default()
                };
                let deleted = caller.contacts.delete_contact(request).await;
                assert_eq!(deleted.is_ok(), world.remove(&id).is_some());
            }
            _ => {
                let request = pb::ListContactsRequest {
                    page_size: 2,
                    ..Default::default()
                };
                let page = caller.contacts.list_contacts(request.clone()).await;
                let page = page.unwrap().into_inner();
                let listed = page.contacts.iter().map(|it| (&it.id, &it.name));
                for (id, name) in listed {
                    assert_eq!(world.get(id), Some(name));
                }
                tokens[at] = page.next_page_token;
                let foreign = &tokens[1 - at];
                if !foreign.is_empty() {
                    let request = pb::ListContactsRequest {
                        page_token: foreign.clone(),
                        ..request
                    };
                    let outcome = caller.contacts.list_contacts(request).await;
                    assert_eq!(refused(outcome).1, "INVALID_FIELD");
                }
            }
        }
    }
    for (at, key) in names.into_iter().enumerate() {
        let name = ["acme", "globex"][at];
        let request = pb::GetTenantRequest { name: name.into() };
        let tenant = callers[at].tenants.get_tenant(request).await.unwrap();
        let tenant = tenant.into_inner().tenant.unwrap();
        let count = tenant.counts.unwrap().contact_count;
        assert_eq!(count, worlds[at].len() as i64);
        let seen = changes(&mut callers[at], tenant.revision).await;
        assert!(!seen.contains(names[1 - at]), "{key} sees {seen}");
    }
}

/// What a watcher sees up to a revision.
async fn changes(caller: &mut Caller, until: i64) -> String {
    let request = pb::WatchChangesRequest {
        start: Some(pb::watch_changes_request::Start::Revision(0)),
        ..Default::default()
    };
    let stream = caller.groups.watch_changes(request).await.unwrap();
    let (mut stream, mut seen) = (stream.into_inner(), String::new());
    loop {
        let message = stream.message().await.unwrap().expect("changes");
        seen += &format!("{message:?}\n");
        let revision = match &message.message {
            Some(Message::Changes(changes)) => changes.revision,
            Some(Message::Progress(progress)) => progress.revision,
            _ => 0,
        };
        if revision >= until {
            return seen;
        }
    }
}
