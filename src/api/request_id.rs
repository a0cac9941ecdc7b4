//! The id of the call being handled: given by the caller or made here, echoed to the caller,
//! written in every log line of the call, and kept with what the call changed.
//!
//! It travels in the request's extensions and, so that code without the request at hand can name
//! the call too, in a task-local that is set while the handler and the response's stream run.
//! A task that a handler spawns does not inherit it.

use std::{fmt, future::Future, str::FromStr, sync::Arc};

use tokio::task_local;
use uuid::Uuid;

/// The metadata key of requests and responses.
pub(crate) const HEADER: &str = "x-request-id";

/// The most characters an id may have.
pub(crate) const MAX_LENGTH: usize = 64;

task_local! {
    static CURRENT: RequestId;
}

/// The id of one call: 1 to 64 of `A-Z a-z 0-9 . _ : -`, so that it is safe in logs and headers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A new random id (UUID, version 4).
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4().to_string().into())
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a request id: empty, too long, or with other characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request id is 1 to 64 of A-Z a-z 0-9 . _ : -")]
pub struct InvalidRequestId;

impl FromStr for RequestId {
    type Err = InvalidRequestId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
        if (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidRequestId)
        }
    }
}

/// The id of the call that the current task is handling, if it is handling one.
pub fn current() -> Option<RequestId> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Runs `future` as part of the call `id`.
pub(crate) fn scope<F: Future>(id: RequestId, future: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(id, future)
}

/// Runs `work` as part of the call `id`.
pub(crate) fn sync_scope<T>(id: RequestId, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(id, work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_callers_use_as_ids() {
        for text in ["a", "0d9f6f0e-6c1c-4f3f", "svc:42._x", &"x".repeat(64)] {
            assert_eq!(
                text.parse::<RequestId>().map(|id| id.to_string()),
                Ok(text.into())
            );
        }
    }

    #[test]
    fn refuses_what_is_unsafe_in_a_log() {
        for text in ["", "a b", "a\nb", "é", "{}", &"x".repeat(65)] {
            assert_eq!(text.parse::<RequestId>(), Err(InvalidRequestId));
        }
    }

    #[test]
    fn is_known_only_within_its_scope() {
        let id = RequestId::random();
        assert_eq!(sync_scope(id.clone(), current), Some(id));
        assert_eq!(current(), None);
    }
}
