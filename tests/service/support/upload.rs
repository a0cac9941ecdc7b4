//! Imports, message by message.

use std::fmt::Debug;

use futures_util::{Stream, StreamExt};
use mailing_groups::pb::{
    self,
    import_contacts_request::{self as to_contacts, Message as ContactMessage},
    import_memberships_request::{self as to_memberships, Message as MembershipMessage},
};
use tokio::{sync::mpsc, task::yield_now};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::{Tenant, within};

/// A message of the service about an import.
pub(crate) trait Response: Debug {
    /// How many items are answered for, if it is a progress.
    fn progress(&self) -> Option<i64>;
}

impl Response for pb::ImportContactsResponse {
    fn progress(&self) -> Option<i64> {
        match self.message.as_ref()? {
            pb::import_contacts_response::Message::Progress(it) => Some(it.processed_count),
            _ => None,
        }
    }
}

impl Response for pb::ImportMembershipsResponse {
    fn progress(&self) -> Option<i64> {
        match self.message.as_ref()? {
            pb::import_memberships_response::Message::Progress(it) => Some(it.processed_count),
            _ => None,
        }
    }
}

/// An import in progress. Dropping it cancels the call.
pub(crate) struct Upload<Request, Response> {
    requests: mpsc::Sender<Request>,
    responses: Streaming<Response>,
    /// How many items the last progress answered for.
    processed: i64,
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

impl<Request: Debug, R: Response> Upload<Request, R> {
    /// Sends a message.
    pub(crate) async fn send(&self, message: impl Sendable<Request>) {
        assert!(self.try_send(message).await);
    }

    /// Sends a message, unless the call has ended.
    pub(crate) async fn try_send(&self, message: impl Sendable<Request>) -> bool {
        self.requests.send(message.wrapped()).await.is_ok()
    }

    /// The next message, which may be a heartbeat: while a chunk takes long, the last progress is
    /// repeated.
    pub(crate) async fn message(&mut self) -> Result<R, Status> {
        let message = within(self.responses.message()).await?;
        let message = message.expect("no end before the summary");
        self.processed = message.progress().unwrap_or(self.processed);
        Ok(message)
    }

    /// Waits for the rejections and the progress of so many items.
    pub(crate) async fn until(&mut self, processed: i64) -> Result<(Vec<R>, R), Status> {
        let mut rejections = Vec::new();
        loop {
            let message = self.message().await?;
            match message.progress() {
                Some(count) if count == processed => return Ok((rejections, message)),
                Some(count) => assert!(count < processed, "{message:?}"),
                None => rejections.push(message),
            }
        }
    }

    /// Ends the request stream and reads to the end: all messages except heartbeats.
    pub(crate) async fn close(self) -> Result<Vec<R>, Status> {
        let Self {
            requests,
            mut responses,
            mut processed,
        } = self;
        drop(requests);
        let mut messages = Vec::new();
        while let Some(message) = within(responses.message()).await? {
            if let Some(count) = message.progress() {
                if count == processed {
                    continue;
                }
                processed = count;
            }
            messages.push(message);
        }
        Ok(messages)
    }
}

impl Tenant {
    /// Opens an import of contacts.
    pub(crate) async fn upload_contacts(&mut self) -> ContactUpload {
        self.try_upload_contacts().await.unwrap()
    }

    /// Tries to open an import of contacts.
    pub(crate) async fn try_upload_contacts(&mut self) -> Result<ContactUpload, Status> {
        let (requests, sent) = mpsc::channel(4);
        let stream = ReceiverStream::new(sent);
        let responses = self.contacts.import_contacts(stream).await?;
        Ok(Upload {
            requests,
            responses: responses.into_inner(),
            processed: 0,
        })
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
            processed: 0,
        }
    }

    /// Imports contacts; none may be rejected.
    pub(crate) async fn import(&mut self, contacts: Vec<pb::Contact>) {
        let mut upload = self.upload_contacts().await;
        upload.send(ContactMessage::Start(Default::default())).await;
        let mut sent = 0;
        for chunk in contacts.chunks(5_000) {
            upload.send(contact_chunk(chunk.to_vec())).await;
            sent += i64::try_from(chunk.len()).unwrap();
            let (rejections, _) = upload.until(sent).await.unwrap();
            assert_eq!(rejections, []);
        }
        upload
            .send(ContactMessage::Finish(Default::default()))
            .await;
        let summary = upload.close().await.unwrap().pop();
        assert!(summary.is_some_and(|it| it.progress().is_none()));
    }
}

/// Messages that are sent without waiting, each in a frame of its own.
pub(crate) fn one_by_one<M: Send>(
    messages: impl Iterator<Item = M> + Send,
) -> impl Stream<Item = M> + Send {
    tokio_stream::iter(messages).then(|message| async {
        yield_now().await;
        message
    })
}

/// A chunk of an import of contacts.
pub(crate) fn contact_chunk(contacts: Vec<pb::Contact>) -> ContactMessage {
    ContactMessage::Chunk(to_contacts::Chunk { contacts })
}

/// A chunk of an import of memberships.
pub(crate) fn membership_chunk(assignments: Vec<pb::Assignment>) -> MembershipMessage {
    MembershipMessage::Chunk(to_memberships::Chunk { assignments })
}
