//! A quiet tenant, and the loads of a loud one.

pub(crate) mod loads;
pub(crate) mod overload;
pub(crate) mod quiet;
pub(crate) mod recovery;

mod raw;

use futures_util::{StreamExt, stream::iter};
use mailing_groups::pb::{
    CreateMailingGroupRequest, ImportContactsRequest, MailingGroup,
    contacts_client::ContactsClient,
    import_contacts_request::{Chunk, Finish, Message, Start},
    mailing_groups_client::MailingGroupsClient,
};
use tonic::{
    Request, Status,
    metadata::MetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

/// Adds a tenant to every call.
#[derive(Clone)]
pub(crate) struct OfTenant(&'static str);

impl Interceptor for OfTenant {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let tenant = MetadataValue::from_static(self.0);
        request.metadata_mut().insert("x-tenant", tenant);
        Ok(request)
    }
}

type Service = InterceptedService<Channel, OfTenant>;

/// The clients of a tenant, on a connection of their own.
#[derive(Clone)]
pub(crate) struct Clients {
    groups: MailingGroupsClient<Service>,
    contacts: ContactsClient<Service>,
}

impl Clients {
    async fn connect(endpoint: &str, tenant: &'static str) -> Self {
        let channel = Channel::from_shared(endpoint.to_owned()).expect("a URL");
        let channel = channel.connect().await.expect("connects");
        Self {
            groups: MailingGroupsClient::with_interceptor(channel.clone(), OfTenant(tenant)),
            contacts: ContactsClient::with_interceptor(channel, OfTenant(tenant)),
        }
    }

    /// Creates groups with a prefix and a number.
    async fn create_groups(&self, prefix: &str, count: usize) {
        let groups = (0..count).map(|n| MailingGroup {
            code: format!("{prefix}{n}"),
            ..MailingGroup::default()
        });
        let created = iter(groups).map(|group| {
            let mut groups = self.groups.clone();
            let request = CreateMailingGroupRequest {
                mailing_group: Some(group),
                ..CreateMailingGroupRequest::default()
            };
            async move { groups.create_mailing_group(request).await }
        });
        let created = created.buffer_unordered(64);
        created
            .for_each(async |created| drop(created.expect("a group is created")))
            .await;
    }

    /// Creates persons with a prefix and a number.
    async fn import_contacts(&mut self, prefix: &str, count: usize) -> Result<(), Status> {
        let chunks: Vec<_> = (0..count).step_by(5_000).collect();
        let prefix = prefix.to_owned();
        let chunks = chunks.into_iter().map(move |first| {
            let people = first..count.min(first + 5_000);
            Message::Chunk(Chunk {
                contacts: people.map(|n| person(&format!("{prefix}{n:06}"))).collect(),
            })
        });
        let messages = std::iter::once(Message::Start(Start::default()))
            .chain(chunks)
            .chain([Message::Finish(Finish {})])
            .map(|message| ImportContactsRequest {
                message: Some(message),
            });
        let answers = self.contacts.import_contacts(iter(messages)).await;
        let mut answers = answers?.into_inner();
        while answers.message().await?.is_some() {}
        Ok(())
    }
}

fn person(id: &str) -> mailing_groups::pb::Contact {
    mailing_groups::pb::Contact {
        id: id.to_owned(),
        kind: mailing_groups::pb::ContactKind::Person.into(),
        name: format!("Person {id}"),
        ..Default::default()
    }
}
