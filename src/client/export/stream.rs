//! The stream of an export: forwards every message, with checkpoints and rollbacks.

use tokio::sync::mpsc::Sender;
use tonic::Streaming;

use crate::{
    client::{
        connection::TenantChannel,
        error::Error,
        resume::{LARGEST_MESSAGE, Resumable, Step},
    },
    pb::{
        ExportContactsRequest, ExportContactsResponse, MailingGroup,
        contacts_client::ContactsClient,
        export_contacts_response::{Message, Page, Summary},
    },
};

/// What the writer of the files receives.
pub(super) enum ExportEvent {
    Groups(Vec<MailingGroup>),
    Page(Page),
    /// The stream can be resumed from here.
    Checkpoint,
    /// What came after the last checkpoint is sent again.
    Rollback,
}

pub(super) struct ExportStream {
    client: ContactsClient<TenantChannel>,
    /// The request for the rest of the export.
    request: ExportContactsRequest,
    events: Sender<ExportEvent>,
    /// Contacts up to the last checkpoint.
    written: u64,
    /// Contacts after it.
    pending: u64,
}

impl ExportStream {
    pub(super) fn new(client: ContactsClient<TenantChannel>, events: Sender<ExportEvent>) -> Self {
        Self {
            client: client.max_decoding_message_size(LARGEST_MESSAGE),
            request: ExportContactsRequest::default(),
            events,
            written: 0,
            pending: 0,
        }
    }

    async fn send(&self, event: ExportEvent) -> Result<(), Error> {
        let sent = self.events.send(event).await;
        sent.map_err(|_| Error::UnexpectedEnd)
    }

    /// Forwards a page. The token changes with the last page of the same contacts: until then the
    /// stream would be resumed at the previous checkpoint.
    async fn page(&mut self, mut page: Page) -> Result<Step<Summary>, Error> {
        let token = std::mem::take(&mut page.resume_token);
        self.pending += page.contacts.len() as u64;
        self.send(ExportEvent::Page(page)).await?;
        if token == self.request.resume_token {
            return Ok(Step::Continue);
        }
        self.request.resume_token = token;
        self.written += std::mem::take(&mut self.pending);
        self.send(ExportEvent::Checkpoint).await?;
        Ok(Step::Progress)
    }
}

impl Resumable for ExportStream {
    type Response = ExportContactsResponse;
    type Summary = Summary;

    async fn open(&mut self) -> Result<Streaming<ExportContactsResponse>, Error> {
        let request = self.request.clone();
        Ok(self.client.export_contacts(request).await?.into_inner())
    }

    async fn handle(&mut self, response: ExportContactsResponse) -> Result<Step<Summary>, Error> {
        match response.message.ok_or(Error::UnexpectedEnd)? {
            Message::Summary(summary) => Ok(Step::Done(summary)),
            Message::Heartbeat(_) => Ok(Step::Continue),
            Message::Page(page) => self.page(page).await,
            Message::MailingGroups(it) => {
                self.send(ExportEvent::Groups(it.mailing_groups)).await?;
                Ok(Step::Continue)
            }
        }
    }

    async fn before_reopen(&mut self) -> Result<(), Error> {
        self.pending = 0;
        self.send(ExportEvent::Rollback).await
    }

    fn is_cancelled(&self) -> bool {
        self.events.is_closed()
    }

    fn position(&self) -> String {
        format!("{} contacts", self.written)
    }
}
