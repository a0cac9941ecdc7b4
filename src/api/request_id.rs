//! The id of the call being handled: the caller's or a new one, returned to the caller, written
//! in every log line of the call, and stored with what the call changes.
//!
//! A task-local carries it while the handler and the response's stream run, so that code without
//! the request at hand can name the call. A task that a handler spawns does not inherit it.

use std::{future::Future, sync::Arc};

use http::HeaderMap;
use tokio::task_local;

use super::field::{Field, single_value};
use crate::{domain::Violation, model::RequestId};

/// The metadata key of requests and responses.
pub(crate) const HEADER: &str = "x-request-id";

task_local! {
    static CURRENT: Arc<RequestId>;
}

/// The id of the call that the current task handles, if it handles one.
pub fn current() -> Option<Arc<RequestId>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// The same, or a new id.
pub(crate) fn current_or_new() -> Arc<RequestId> {
    current().unwrap_or_else(|| Arc::new(RequestId::random()))
}

/// The caller's id if there is exactly one and it is well-formed, else a new one.
pub(crate) fn of(headers: &HeaderMap) -> RequestId {
    let value = headers
        .get(HEADER)
        .filter(|_| check_single(headers).is_ok());
    value
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or_else(RequestId::random)
}

/// Rejects a call with more than one id: which of them the log would contain is arbitrary.
pub(crate) fn check_single(headers: &HeaderMap) -> Result<(), Violation> {
    single_value(headers.get_all(HEADER).iter().count()).field(HEADER)
}

/// Runs `future` as part of the call `id`.
pub(crate) fn scope<F: Future>(id: Arc<RequestId>, future: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(id, future)
}

/// Runs `work` as part of the call `id`.
pub(crate) fn sync_scope<T>(id: Arc<RequestId>, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(id, work)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, text.parse().expect("a header value"));
        of(&headers).to_string()
    }

    #[test]
    fn a_caller_s_id_is_kept() {
        for text in ["a", "0d9f6f0e-6c1c-4f3f", "svc:42._x", &"x".repeat(64)] {
            assert_eq!(sent(text), text);
        }
    }

    #[test]
    fn an_id_that_is_unsafe_in_a_log_is_replaced() {
        for text in ["", "a b", "é", "{}", &"x".repeat(65)] {
            assert_ne!(sent(text), text);
        }
    }

    #[test]
    fn two_ids_are_refused_and_replaced() {
        let mut headers = HeaderMap::new();
        headers.append(HEADER, "a".parse().expect("a header value"));
        assert!(check_single(&headers).is_ok());
        headers.append(HEADER, "b".parse().expect("a header value"));
        assert!(check_single(&headers).is_err());
        assert_eq!(of(&headers).to_string().len(), 36);
    }

    #[test]
    fn is_known_only_within_its_scope() {
        let id = Arc::new(RequestId::random());
        assert_eq!(sync_scope(Arc::clone(&id), current), Some(id));
        assert_eq!(current(), None);
    }
}
