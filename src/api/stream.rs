//! What streams of pages have in common: how they are paged, where they begin, and how they
//! wait for their next page.

use std::{future::Future, time::Duration};

use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{field::Field, status, token::Binding};
use crate::{
    domain::{Call, Error, Result, Violation},
    model::{PageSize, Revision},
};

/// A reader who waits this long hears that the stream lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Entries in a page, unless the caller says otherwise.
const PAGE_SIZE: i32 = 1_000;

/// How a stream is paged, and where it begins.
pub(super) struct Start {
    /// How long a page is.
    pub(super) size: PageSize,
    /// What the tokens of the stream are bound to.
    pub(super) binding: Binding,
    /// Where the stream before this one stood, if it goes on.
    pub(super) place: Option<Place>,
    /// The token that says so; empty if there is none.
    pub(super) token: String,
}

impl Start {
    /// Takes page size and resume token out of a request. A page has at most `most` entries.
    pub(super) fn take<T: Message>(
        rpc: &str,
        call: &Call,
        request: &mut T,
        most: i32,
        paging: fn(&mut T) -> (&mut i32, &mut String),
    ) -> Result<Self, Violation> {
        let (wish, token) = paging(request);
        let (wish, token) = (std::mem::take(wish), std::mem::take(token));
        let size = PageSize::new(wish, PAGE_SIZE, most).field("page_size")?;
        let binding = Binding::new(rpc, call, request);
        let place = binding.read::<Place>(&token, "resume_token")?;
        Ok(Self {
            size,
            binding,
            place,
            token,
        })
    }

    /// The entry after which the stream begins.
    pub(super) fn after(&self) -> u32 {
        self.place.as_ref().map_or(0, |place| place.after)
    }

    /// Whether the stream before this one read at another revision.
    pub(super) fn has_moved(&self, revision: Revision) -> bool {
        let place = self.place.as_ref();
        place.is_some_and(|place| place.revision != revision)
    }
}

/// Where a stream stood: after which entry, and the revision it read at.
pub(super) struct Place {
    pub(super) after: u32,
    pub(super) revision: Revision,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.after, self.revision)
    }
}

impl std::str::FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let place = text.split_once('@').and_then(|(after, revision)| {
            Some(Self {
                after: after.parse().ok()?,
                revision: revision.parse().ok()?,
            })
        });
        place.ok_or_else(|| Error::invalid("resume_token", "is not a place in a stream"))
    }
}

/// What a stream has to say next.
pub(super) enum Next<T> {
    /// A part.
    Part(T),
    /// That there is no more.
    End,
    /// That it lives: nothing came for a while.
    Silence,
}

/// Waits for the next part of a stream, which `pull` gets. It may be dropped before it is done.
/// An error if the server stops meanwhile.
pub(super) async fn next<T>(
    shutdown: &CancellationToken,
    pull: impl Future<Output = Result<Option<T>>>,
) -> Result<Next<T>, Status> {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => Err(status::shutting_down()),
        part = pull => Ok(part?.map_or(Next::End, Next::Part)),
        () = tokio::time::sleep(HEARTBEAT) => Ok(Next::Silence),
    }
}
