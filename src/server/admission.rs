//! Turns calls away at once when the server is full or stopping, instead of letting them wait.
//!
//! UNAVAILABLE, not RESOURCE_EXHAUSTED: it is what clients retry, and the retry may reach another
//! server. Health checks always pass: they tell about the server, and load is no illness.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};

use super::{
    guard::{Calls, Guard, Next},
    status::{overloaded, shutting_down},
};

/// Admits calls while there is room.
#[derive(Clone)]
pub(super) struct Admission {
    /// One permit per call that may be handled at a time.
    pub(super) calls: Arc<Semaphore>,
    /// Cancelled when no call may be admitted any more.
    pub(super) draining: CancellationToken,
}

impl Guard for Admission {
    async fn handle<C: Calls>(&self, request: Request<Body>, next: Next<'_, C>) -> Response<Body> {
        if request.uri().path().starts_with("/grpc.health.v1.Health/") {
            return next.run(request).await;
        }
        if self.draining.is_cancelled() {
            return shutting_down().into_http();
        }
        let Ok(permit) = Arc::clone(&self.calls).try_acquire_owned() else {
            return overloaded().into_http();
        };
        let response = next.run(request).await;
        response.map(|inner| {
            Body::new(Admitted {
                inner,
                _permit: permit,
            })
        })
    }
}

/// A response body that holds its call's permit until it is dropped: a permit given back with the
/// headers, as tower's concurrency limit does, would not bound open streams.
struct Admitted {
    inner: Body,
    _permit: OwnedSemaphorePermit,
}

impl http_body::Body for Admitted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use tower::Layer;

    use super::*;
    use crate::server::guard::Guarded;

    struct Fine;

    impl Calls for Fine {
        async fn answer(&self, _: Request<Body>) -> Response<Body> {
            Status::ok("").into_http()
        }
    }

    async fn answer(admission: Admission, path: &str) -> Status {
        let request = Request::post(path).body(Body::empty()).expect("a request");
        let response = Guarded::by(admission).layer(Fine).answer(request).await;
        Status::from_header_map(response.headers()).expect("a status")
    }

    #[tokio::test]
    async fn a_draining_server_takes_no_calls_but_tells_its_health() {
        let admission = Admission {
            calls: Arc::new(Semaphore::new(1)),
            draining: CancellationToken::new(),
        };
        let get = "/mailinggroups.v1.Contacts/GetContact";
        assert_eq!(answer(admission.clone(), get).await.code(), tonic::Code::Ok);
        admission.draining.cancel();
        let refused = answer(admission.clone(), get).await;
        assert_eq!(refused.code(), tonic::Code::Unavailable);
        assert!(tonic_types::StatusExt::get_details_retry_info(&refused).is_some());
        let check = answer(admission, "/grpc.health.v1.Health/Check").await;
        assert_eq!(check.code(), tonic::Code::Ok);
    }
}
