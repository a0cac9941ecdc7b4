//! The stream of members: sends every page to the output, once.

use tokio::sync::mpsc::Sender;
use tonic::Streaming;

use crate::{
    client::{
        connection::TenantChannel,
        error::Error,
        progress::Progress,
        resume::{LARGEST_MESSAGE, Resumable, Step},
        terminal::pluralize,
    },
    pb::{
        SegmentMember, StreamSegmentMembersRequest, StreamSegmentMembersResponse,
        mailing_groups_client::MailingGroupsClient,
        stream_segment_members_response::{Message, Summary},
    },
};

pub(super) type MembersClient = MailingGroupsClient<TenantChannel>;

/// A selection being read.
pub(super) struct MemberStream {
    client: MembersClient,
    /// Always asks for what has not been read yet.
    request: StreamSegmentMembersRequest,
    pages: Sender<Vec<SegmentMember>>,
    progress: Option<Progress>,
    /// Members sent to the output, over all connections.
    written: u64,
}

impl MemberStream {
    pub(super) fn new(
        client: MembersClient,
        request: StreamSegmentMembersRequest,
        pages: Sender<Vec<SegmentMember>>,
        progress: Option<Progress>,
    ) -> Self {
        Self {
            client: client.max_decoding_message_size(LARGEST_MESSAGE),
            request,
            pages,
            progress,
            written: 0,
        }
    }

    /// Ends the progress and closes the channel to the output. Returns how much was written.
    pub(super) fn finish(self) -> String {
        let written = self.position();
        self.progress.map(Progress::finish);
        written
    }

    fn continue_from(&mut self, token: String) {
        if !token.is_empty() {
            self.request.resume_token = token;
        }
    }
}

impl Resumable for MemberStream {
    type Response = StreamSegmentMembersResponse;
    type Summary = Summary;

    async fn open(&mut self) -> Result<Streaming<StreamSegmentMembersResponse>, Error> {
        let request = self.request.clone();
        let opened = self.client.stream_segment_members(request).await?;
        Ok(opened.into_inner())
    }

    async fn handle(
        &mut self,
        response: StreamSegmentMembersResponse,
    ) -> Result<Step<Summary>, Error> {
        match response.message.ok_or(Error::UnexpectedEnd)? {
            Message::Summary(summary) => Ok(Step::Done(summary)),
            Message::Heartbeat(beat) => {
                self.continue_from(beat.resume_token);
                Ok(Step::Continue)
            }
            Message::Page(page) => {
                let count = page.members.len() as u64;
                self.written += count;
                self.continue_from(page.resume_token);
                let sent = self.pages.send(page.members).await;
                sent.map_err(|_| Error::UnexpectedEnd)?;
                if let Some(progress) = &mut self.progress {
                    progress.advance(count, self.written);
                }
                Ok(Step::Progress)
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        self.pages.is_closed()
    }

    fn position(&self) -> String {
        let written = i64::try_from(self.written).unwrap_or(i64::MAX);
        pluralize(written, "member", "members")
    }
}
