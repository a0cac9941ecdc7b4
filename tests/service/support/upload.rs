//! Imports, message by message.

use std::fmt::Debug;

use mailing_groups::pb::{
    self,
    import_contacts_request::{self as to_contacts, Message as ContactMessage},
    import_memberships_request::{self as to_memberships, Message as MembershipMessage},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::Tenant;

/// An import that is under way. Dropping it hangs up.
pub(crate) struct Upload<Request, Response> {
    requests: mpsc::Sender<Request>,
    responses: Streaming<Response>,
}

/// An import of contacts.
pub(crate) type ContactUpload = Upload<pb::ImportContactsRequest, pb::ImportContactsResponse>;

/// An import of memberships.
pub(crate) type MembershipUpload =
    Upload<pb::ImportMembershipsRequest, pb::ImportMembershipsResponse>;

/// What a message can be sent as.
pub(crate) trait Sendable<Request> {
    fn wrapped(self) -> Request;
}

impl Sendable<pb::ImportContactsRequest> for ContactMessage {
    fn wrapped(self) -> pb::ImportContactsRequest {
        pb::ImportContactsRequest {
            message: Some(self),
        }
    }
}

impl Sendable<pb::ImportMembershipsRequest> for MembershipMessage {
    fn wrapped(self) -> pb::ImportMembershipsRequest {
        pb::ImportMembershipsRequest {
            message: Some(self),
        }
    }
}

impl<Request: Debug, Response> Upload<Request, Response> {
    /// Sends a message.
    pub(crate) async fn send(&self, message: impl Sendable<Request>) {
        self.requests.send(message.wrapped()).await.unwrap();
    }

    /// The next answer; `None` at the end.
    pub(crate) async fn answer(&mut self) -> Result<Option<Response>, Status> {
        self.responses.message().await
    }

    /// Says that no more is sent, and waits for the end.
    pub(crate) async fn close(self) -> Result<Vec<Response>, Status> {
        let Self {
            requests,
            mut responses,
        } = self;
        drop(requests);
        let mut answers = Vec::new();
        while let Some(answer) = responses.message().await? {
            answers.push(answer);
        }
        Ok(answers)
    }
}

impl Tenant {
    /// Opens an import of contacts.
    pub(crate) async fn upload_contacts(&mut self) -> ContactUpload {
        let (requests, sent) = mpsc::channel(4);
        let stream = ReceiverStream::new(sent);
        let responses = self
            .contacts
            .import_contacts(stream)
            .await
            .unwrap()
            .into_inner();
        Upload {
            requests,
            responses,
        }
    }

    /// Opens an import of memberships.
    pub(crate) async fn upload_memberships(&mut self) -> MembershipUpload {
        let (requests, sent) = mpsc::channel(4);
        let stream = ReceiverStream::new(sent);
        let responses = self
            .groups
            .import_memberships(stream)
            .await
            .unwrap()
            .into_inner();
        Upload {
            requests,
            responses,
        }
    }

    /// Imports contacts, none of which may be refused.
    pub(crate) async fn import(&mut self, contacts: Vec<pb::Contact>) {
        let mut upload = self.upload_contacts().await;
        upload.send(ContactMessage::Start(Default::default())).await;
        for chunk in contacts.chunks(5_000) {
            upload.send(contact_chunk(chunk.to_vec())).await;
            let progress = upload.answer().await.unwrap().unwrap().message.unwrap();
            assert!(
                matches!(progress, pb::import_contacts_response::Message::Progress(_)),
                "{progress:?}"
            );
        }
        upload
            .send(ContactMessage::Finish(Default::default()))
            .await;
        assert_eq!(upload.close().await.unwrap().len(), 1);
    }
}

/// A chunk of an import of contacts.
pub(crate) fn contact_chunk(contacts: Vec<pb::Contact>) -> ContactMessage {
    ContactMessage::Chunk(to_contacts::Chunk { contacts })
}

/// A chunk of an import of memberships.
pub(crate) fn membership_chunk(assignments: Vec<pb::Assignment>) -> MembershipMessage {
    MembershipMessage::Chunk(to_memberships::Chunk { assignments })
}
