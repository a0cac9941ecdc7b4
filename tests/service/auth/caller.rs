//! Callers with API keys.

use mailing_groups::pb::{
    self, contacts_client::ContactsClient, identity_client::IdentityClient,
    mailing_groups_client::MailingGroupsClient, tenants_client::TenantsClient,
    watch_changes_response::Message,
};
use tonic::{
    Request, Status,
    metadata::AsciiMetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use super::scene::{Scene, api_key};

/// Sends a key with every request, and names a tenant.
#[derive(Clone)]
pub(super) struct AsKey(AsciiMetadataValue, Option<AsciiMetadataValue>);

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

pub(super) type Transport = InterceptedService<Channel, AsKey>;

/// A caller with a key.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) groups: MailingGroupsClient<Transport>,
    pub(super) contacts: ContactsClient<Transport>,
    pub(super) tenants: TenantsClient<Transport>,
    pub(super) identity: IdentityClient<Transport>,
}

impl Caller {
    pub(super) async fn new(scene: &Scene, key: &str, tenant: Option<&str>) -> Self {
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

    pub(super) async fn create_group(&mut self, code: &str) -> Result<pb::MailingGroup, Status> {
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

    pub(super) async fn codes(&mut self) -> Result<Vec<String>, Status> {
        let request = pb::ListMailingGroupsRequest::default();
        let answer = self.groups.list_mailing_groups(request).await?.into_inner();
        let groups = answer.mailing_groups.into_iter();
        Ok(groups.map(|it| it.code).collect())
    }

    pub(super) async fn tenant_names(&mut self) -> Vec<String> {
        let request = pb::ListTenantsRequest::default();
        let answer = self.tenants.list_tenants(request).await.unwrap();
        let tenants = answer.into_inner().tenants.into_iter();
        tenants.map(|it| it.name).collect()
    }
}

/// Two tenants with a key each, and keys for both and for all.
pub(super) async fn scene() -> Scene {
    let rules = [
        api_key("mgk_a", "a", &["acme"], "admin"),
        api_key("mgk_g", "g", &["globex"], "admin"),
        api_key("mgk_both", "both", &["acme", "globex"], "admin"),
        api_key("mgk_all", "all", &["*"], "admin"),
    ];
    Scene::start(&rules.concat()).await
}

/// What a watcher sees up to a revision.
pub(super) async fn changes(caller: &mut Caller, until: i64) -> String {
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
