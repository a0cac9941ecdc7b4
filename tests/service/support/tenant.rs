//! A tenant of its own for each test, and short ways to fill it.

use std::sync::atomic::{AtomicUsize, Ordering};

use mailing_groups::pb::{
    self, contacts_client::ContactsClient, mailing_groups_client::MailingGroupsClient,
    segments_client::SegmentsClient,
};
use tonic::{
    Request, Status,
    metadata::AsciiMetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use super::{Server, select};

/// Names the tenant in every request.
#[derive(Clone)]
pub(crate) struct InTenant(AsciiMetadataValue);

impl Interceptor for InTenant {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("x-tenant", self.0.clone());
        Ok(request)
    }
}

pub(crate) type Transport = InterceptedService<Channel, InTenant>;

/// Clients that work in one tenant.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) groups: MailingGroupsClient<Transport>,
    pub(crate) contacts: ContactsClient<Transport>,
    pub(crate) segments: SegmentsClient<Transport>,
    /// A client that names no tenant.
    pub(crate) unnamed: MailingGroupsClient<Channel>,
}

impl Tenant {
    /// A new tenant of the shared server.
    pub(crate) async fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("t-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self::of(Server::shared().await, &name).await
    }

    /// A tenant of a server.
    pub(crate) async fn of(server: &Server, name: &str) -> Self {
        Self::over(server.channel().await, name)
    }

    /// A tenant behind a channel.
    pub(crate) fn over(channel: Channel, name: &str) -> Self {
        let tenant = InTenant(name.parse().unwrap());
        let unnamed = MailingGroupsClient::new(channel.clone());
        let transport = InterceptedService::new(channel, tenant);
        Self {
            name: name.to_owned(),
            groups: MailingGroupsClient::new(transport.clone()),
            contacts: ContactsClient::new(transport.clone()),
            segments: SegmentsClient::new(transport),
            unnamed,
        }
    }

    /// Defines a group.
    pub(crate) async fn group(&mut self, code: &str) -> pb::MailingGroup {
        let mailing_group = Some(pb::MailingGroup {
            code: code.into(),
            ..Default::default()
        });
        let request = pb::CreateMailingGroupRequest {
            mailing_group,
            ..Default::default()
        };
        let response = self.groups.create_mailing_group(request).await.unwrap();
        response.into_inner().mailing_group.unwrap()
    }

    /// Reads a group.
    pub(crate) async fn get_group(&mut self, code: &str) -> Result<pb::MailingGroup, Status> {
        let request = pb::GetMailingGroupRequest { code: code.into() };
        let response = self.groups.get_mailing_group(request).await?;
        Ok(response.into_inner().mailing_group.unwrap())
    }

    /// Creates a contact.
    pub(crate) async fn create(&mut self, contact: pb::Contact) -> pb::Contact {
        self.try_create(contact).await.unwrap()
    }

    /// Tries to create a contact.
    pub(crate) async fn try_create(&mut self, contact: pb::Contact) -> Result<pb::Contact, Status> {
        let request = pb::CreateContactRequest {
            contact: Some(contact),
            ..Default::default()
        };
        let response = self.contacts.create_contact(request).await?;
        Ok(response.into_inner().contact.unwrap())
    }

    /// Reads a contact.
    pub(crate) async fn get_contact(&mut self, id: &str) -> Result<pb::Contact, Status> {
        let request = pb::GetContactRequest { id: id.into() };
        Ok(self
            .contacts
            .get_contact(request)
            .await?
            .into_inner()
            .contact
            .unwrap())
    }

    /// Assigns a group to a contact.
    pub(crate) async fn assign(
        &mut self,
        contact_id: &str,
        code: &str,
    ) -> pb::AssignMailingGroupResponse {
        self.try_assign(contact_id, code).await.unwrap()
    }

    /// Tries to assign a group to a contact.
    pub(crate) async fn try_assign(
        &mut self,
        contact_id: &str,
        code: &str,
    ) -> Result<pb::AssignMailingGroupResponse, Status> {
        let request = pb::AssignMailingGroupRequest {
            contact_id: contact_id.into(),
            code: code.into(),
        };
        let response = self.groups.assign_mailing_group(request).await?;
        Ok(response.into_inner())
    }

    /// The codes of a contact's groups.
    pub(crate) async fn codes(&mut self, contact_id: &str) -> Vec<String> {
        let request = pb::ListContactMailingGroupsRequest {
            contact_id: contact_id.into(),
            page_size: 1_000,
            ..Default::default()
        };
        let response = self
            .groups
            .list_contact_mailing_groups(request)
            .await
            .unwrap();
        response
            .into_inner()
            .mailing_groups
            .into_iter()
            .map(|group| group.code)
            .collect()
    }

    /// The ids that an expression selects.
    pub(crate) async fn members(&mut self, expression: &str) -> Vec<String> {
        self.stream(select(expression)).await.unwrap().ids()
    }
}

/// A new company.
pub(crate) fn company(id: &str) -> pb::Contact {
    pb::Contact {
        id: id.into(),
        kind: pb::ContactKind::Company.into(),
        name: format!("Company {id}"),
        ..Default::default()
    }
}

/// A new person, of a company or, with a blank id, of none.
pub(crate) fn person(id: &str, company_id: &str) -> pb::Contact {
    pb::Contact {
        id: id.into(),
        kind: pb::ContactKind::Person.into(),
        name: format!("Person {id}"),
        company_id: company_id.into(),
        ..Default::default()
    }
}
