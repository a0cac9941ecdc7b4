//! The stream of an export: hands every message on, and says when a part of it is void.

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

/// What is handed on.
pub(super) enum Handed {
    /// Groups.
    Groups(Vec<MailingGroup>),
    /// Contacts and memberships.
    Page(Page),
    /// Everything so far is as it will be: from here the stream can be resumed.
    Kept,
    /// What came since the last [`Handed::Kept`] comes again.
    Void,
}

/// An export being read.
pub(super) struct Export {
    client: ContactsClient<TenantChannel>,
    /// Always asks for what has not been read yet.
    request: ExportContactsRequest,
    handed: Sender<Handed>,
    /// Contacts up to the place from which the stream can be resumed.
    kept: u64,
    /// Contacts after it.
    pending: u64,
}

impl Export {
    /// Reads everything there is, until nobody takes it any more.
    pub(super) fn new(client: ContactsClient<TenantChannel>, handed: Sender<Handed>) -> Self {
        Self {
            client: client.max_decoding_message_size(LARGEST_MESSAGE),
            request: ExportContactsRequest::default(),
            handed,
            kept: 0,
            pending: 0,
        }
    }

    async fn hand(&self, handed: Handed) -> Result<(), Error> {
        let sent = self.handed.send(handed).await;
        sent.map_err(|_| Error::UnexpectedEnd)
    }

    /// Hands a page on. Only with the last one of its contacts there is progress: with any other
    /// the stream would be resumed where it was before.
    async fn page(&mut self, mut page: Page) -> Result<Step<Summary>, Error> {
        let token = std::mem::take(&mut page.resume_token);
        self.pending += page.contacts.len() as u64;
        self.hand(Handed::Page(page)).await?;
        if token == self.request.resume_token {
            return Ok(Step::Continue);
        }
        self.request.resume_token = token;
        self.kept += std::mem::take(&mut self.pending);
        self.hand(Handed::Kept).await?;
        Ok(Step::Progress)
    }
}

impl Resumable for Export {
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
                self.hand(Handed::Groups(it.mailing_groups)).await?;
                Ok(Step::Continue)
            }
        }
    }

    async fn before_reopen(&mut self) -> Result<(), Error> {
        self.pending = 0;
        self.hand(Handed::Void).await
    }

    fn is_cancelled(&self) -> bool {
        self.handed.is_closed()
    }

    fn position(&self) -> String {
        format!("{} contacts", self.kept)
    }
}
