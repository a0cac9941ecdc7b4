//! Reads a stream of members to its summary, over as many connections as it takes.

use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tonic::Streaming;

use crate::api::pb::mailing_groups_client::MailingGroupsClient;
use crate::api::pb::stream_segment_members_response::{Message, Summary};
use crate::api::pb::{SegmentMember, StreamSegmentMembersRequest, StreamSegmentMembersResponse};
use crate::client::connection::Link;
use crate::client::error::Error;
use crate::client::retry::Retry;
use crate::client::selection::Counts;

/// The service sends a heartbeat every 15 seconds; three missed ones are a broken stream.
const SILENCE: Duration = Duration::from_secs(50);
/// A page of 10,000 members with every field at its longest fits.
const LARGEST_MESSAGE: usize = 64 << 20;

/// A selection being read.
pub(super) struct Members {
    client: MailingGroupsClient<Link>,
    /// Always asks for what has not been read yet.
    request: StreamSegmentMembersRequest,
    retry: Retry,
    written: u64,
    attempts: i64,
}

/// A selection that was read to its end.
pub(super) struct Read {
    pub(super) counts: Counts,
    /// Members that were left out because they were deleted while the last part was read.
    pub(super) deleted: i64,
    /// Members handed on, over all parts.
    pub(super) written: u64,
    /// How often it was tried to open the stream again.
    pub(super) attempts: i64,
    /// Whether a later part is that of a later revision.
    pub(super) revision_moved: bool,
}

impl Members {
    pub(super) fn new(
        client: MailingGroupsClient<Link>,
        request: StreamSegmentMembersRequest,
        retry: Retry,
    ) -> Self {
        Self {
            client: client.max_decoding_message_size(LARGEST_MESSAGE),
            request,
            retry,
            written: 0,
            attempts: 0,
        }
    }

    /// Hands every page on, once, until the summary has come or nobody takes pages any more.
    pub(super) async fn read(mut self, pages: Sender<Vec<SegmentMember>>) -> Result<Read, Error> {
        loop {
            match self.part(&pages).await {
                Ok(summary) => return Ok(self.end(&summary)),
                Err(_) if pages.is_closed() => return Err(Error::Unfinished),
                Err(cause) => {
                    let done = format!("{} members", self.written);
                    self.retry.after(cause, &done).await?;
                }
            }
            self.attempts += 1;
        }
    }

    /// Reads one stream as far as it goes.
    async fn part(&mut self, pages: &Sender<Vec<SegmentMember>>) -> Result<Summary, Error> {
        let opened = self
            .client
            .stream_segment_members(self.request.clone())
            .await?;
        let mut stream = opened.into_inner();
        loop {
            match next(&mut stream).await? {
                Message::Summary(summary) => return Ok(summary),
                Message::Heartbeat(beat) => self.continue_from(beat.resume_token),
                Message::Page(page) => {
                    self.written += page.members.len() as u64;
                    self.continue_from(page.resume_token);
                    self.retry.succeeded();
                    pages
                        .send(page.members)
                        .await
                        .map_err(|_| Error::Unfinished)?;
                }
            }
        }
    }

    fn continue_from(&mut self, token: String) {
        if !token.is_empty() {
            self.request.resume_token = token;
        }
    }

    fn end(self, summary: &Summary) -> Read {
        Read {
            counts: Counts::from(summary),
            deleted: summary.deleted_count,
            written: self.written,
            attempts: self.attempts,
            revision_moved: summary.revision_moved,
        }
    }
}

async fn next(stream: &mut Streaming<StreamSegmentMembersResponse>) -> Result<Message, Error> {
    match tokio::time::timeout(SILENCE, stream.message()).await {
        Err(_) => Err(Error::Stalled(SILENCE)),
        Ok(message) => message?.and_then(|it| it.message).ok_or(Error::Unfinished),
    }
}

impl From<&Summary> for Counts {
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
