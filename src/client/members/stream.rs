//! The stream of members: hands every page on, once.

use tokio::sync::mpsc::Sender;
use tonic::Streaming;

use crate::{
    client::{
        connection::TenantChannel,
        error::Error,
        resume::{LARGEST_MESSAGE, Resumable, Step},
        selection::SelectionCounts,
    },
    pb::{
        SegmentMember, StreamSegmentMembersRequest, StreamSegmentMembersResponse,
        mailing_groups_client::MailingGroupsClient,
        stream_segment_members_response::{Message, Summary},
    },
};

/// A selection being read.
pub(super) struct MemberStream {
    client: MailingGroupsClient<TenantChannel>,
    /// Always asks for what has not been read yet.
    request: StreamSegmentMembersRequest,
    pages: Sender<Vec<SegmentMember>>,
    /// MemberStream handed on, over all parts.
    pub(super) written: u64,
}

impl MemberStream {
    /// Reads what `request` selects, until nobody takes pages any more.
    pub(super) fn new(
        client: MailingGroupsClient<TenantChannel>,
        request: StreamSegmentMembersRequest,
        pages: Sender<Vec<SegmentMember>>,
    ) -> Self {
        Self {
            client: client.max_decoding_message_size(LARGEST_MESSAGE),
            request,
            pages,
            written: 0,
        }
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
        Ok(self
            .client
            .stream_segment_members(request)
            .await?
            .into_inner())
    }

    async fn take(
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
                self.written += page.members.len() as u64;
                self.continue_from(page.resume_token);
                let sent = self.pages.send(page.members).await;
                sent.map_err(|_| Error::UnexpectedEnd)?;
                Ok(Step::Progress)
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        self.pages.is_closed()
    }

    fn done(&self) -> String {
        format!("{} members", self.written)
    }
}

impl From<&Summary> for SelectionCounts {
    fn from(summary: &Summary) -> Self {
        Self {
            member_count: summary.member_count,
            company_count: summary.company_count,
            person_count: summary.person_count,
            excluded_count: summary.excluded_count,
            privacy_blocked_count: summary.privacy_blocked_count,
            revision: summary.revision,
        }
    }
}
