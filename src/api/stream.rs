//! What the streams of pages share: paging, resuming, heartbeats, and the end at shutdown.

use std::{collections::VecDeque, fmt, future::Future, str::FromStr, time::Duration};

use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    field::Field,
    status,
    token::{TokenKey, take_paging},
};
use crate::{
    domain::{Call, Domain, Error, Result, Violation},
    model::{Commit, PageSize},
    pb::PagedRequest,
};

/// A heartbeat is sent after this long without a page, so that the caller and proxies between
/// do not take the stream for dead.
const STREAM_HEARTBEAT: Duration = Duration::from_secs(15);

/// Entries in a page, unless the caller sets a page size.
const DEFAULT_PAGE_SIZE: i32 = 1_000;

/// A message that carries many items is complete when it has this many bytes: a quarter of the
/// 4 MiB that gRPC clients accept by default.
pub(super) const TARGET_MESSAGE_BYTES: usize = 1 << 20;

/// A stream of response messages.
pub(super) type ResponseStream<T> = BoxStream<'static, Result<T, Status>>;

/// The paging of a stream request. `C` is the position in a resume token.
pub(super) struct StreamRequest<C = Cursor> {
    pub(super) size: PageSize,
    /// Where the stream continues, if it resumes another one.
    pub(super) cursor: Option<C>,
    /// The token of `cursor`; empty if there is none.
    token: String,
    key: TokenKey,
}

impl<C: FromStr> StreamRequest<C> {
    /// Takes page size and resume token out of a request. A page has at most `max` entries.
    pub(super) fn take<T: PagedRequest>(
        call: &Call,
        request: &mut T,
        max: i32,
    ) -> Result<Self, Violation> {
        let (size, token) = take_paging(request);
        let size = PageSize::new(size, DEFAULT_PAGE_SIZE, max).field("page_size")?;
        let key = TokenKey::new(call, request);
        let cursor = key.read(&token, "resume_token")?;
        Ok(Self {
            size,
            cursor,
            token,
            key,
        })
    }

    /// The resume token as sent, to be replaced page by page.
    pub(super) fn into_resume_token(self, commit: Commit) -> ResumeToken {
        ResumeToken {
            commit,
            token: self.token,
            key: self.key,
        }
    }
}

impl StreamRequest {
    /// The entry after which the stream continues; 0 at the beginning.
    pub(super) fn after(&self) -> u32 {
        self.cursor.map_or(0, |cursor| cursor.after)
    }

    /// Refuses to resume a stream that read commits which were lost.
    pub(super) async fn check(&self, domain: &Domain, call: &Call) -> Result<()> {
        match self.cursor {
            Some(cursor) => domain.require_commit(call, cursor.commit).await,
            None => Ok(()),
        }
    }

    /// Whether the resumed stream read at another commit.
    pub(super) fn has_moved(&self, commit: Commit) -> bool {
        self.cursor.is_some_and(|cursor| cursor.commit != commit)
    }
}

/// A position in a stream: the last entry sent, and the commit the stream reads at.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    pub(super) after: u32,
    pub(super) commit: Commit,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.after, self.commit)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let cursor = text.split_once('@').and_then(|(after, commit)| {
            Some(Self {
                after: after.parse().ok()?,
                commit: commit.parse().ok()?,
            })
        });
        cursor.ok_or_else(|| Error::invalid("resume_token", "is not a place in a stream"))
    }
}

/// The token of the last complete page of a stream.
pub(super) struct ResumeToken {
    commit: Commit,
    token: String,
    key: TokenKey,
}

impl ResumeToken {
    /// Moves to the entry and returns the token.
    pub(super) fn advance(&mut self, after: u32) -> String {
        let commit = self.commit;
        self.advance_to(&Cursor { after, commit })
    }

    /// Moves to the position and returns the token.
    pub(super) fn advance_to(&mut self, position: &impl fmt::Display) -> String {
        self.token = self.key.issue(position);
        self.current()
    }

    /// The token of the last complete page; empty before the first.
    pub(super) fn current(&self) -> String {
        self.token.clone()
    }
}

/// A source of pages, and the messages they become.
pub(super) trait PageSource: Send + 'static {
    /// As much of a page as fits into one message.
    type Part: Send + 'static;
    type Response: Send + 'static;

    /// Reads the next page in parts; none at the end. Cancel-safe.
    fn pull(&mut self) -> impl Future<Output = Result<Vec<Self::Part>>> + Send;

    /// The message of a part.
    fn page(&mut self, part: Self::Part, token: &mut ResumeToken) -> Self::Response;

    /// The last message: the totals.
    fn summary(&mut self) -> Self::Response;

    /// The message of a stream that has nothing to send yet.
    fn heartbeat(resume_token: String) -> Self::Response;
}

/// Streams the pages of a source, heartbeats between slow ones, and a summary last. Pages are
/// pulled only as the caller reads. Ends with an error when the server stops.
pub(super) fn pages<S: PageSource>(
    source: S,
    token: ResumeToken,
    shutdown: CancellationToken,
) -> ResponseStream<S::Response> {
    let start = (source, VecDeque::new(), token);
    let messages = stream::try_unfold(Some(start), move |state| {
        let shutdown = shutdown.clone();
        async move {
            let Some((mut source, mut parts, mut token)) = state else {
                return Ok(None);
            };
            let part = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Err(status::shutting_down()),
                part = next_part(&mut source, &mut parts) => part?,
                () = tokio::time::sleep(STREAM_HEARTBEAT) => {
                    let message = S::heartbeat(token.current());
                    return Ok(Some((message, Some((source, parts, token)))));
                }
            };
            Ok(Some(match part {
                Some(part) => (source.page(part, &mut token), Some((source, parts, token))),
                None => (source.summary(), None),
            }))
        }
    });
    messages.boxed()
}

/// The next part; reads a page when all parts of the last one are sent. Cancel-safe.
async fn next_part<S: PageSource>(
    source: &mut S,
    unsent: &mut VecDeque<S::Part>,
) -> Result<Option<S::Part>> {
    if unsent.is_empty() {
        unsent.extend(source.pull().await?);
    }
    Ok(unsent.pop_front())
}
