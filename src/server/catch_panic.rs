//! A panic of a handler, or of the stream it returned, becomes one INTERNAL answer; without this
//! the caller would see a reset stream, which clients report as CANCELLED.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Frame;
use tonic::{Status, body::Body};

use super::{
    guard::{Calls, Guard, Next},
    status::{internal, trailers},
};

/// Catches the panics of every call. What panicked is dropped and never run again, which is why
/// asserting unwind safety is right here.
#[derive(Clone)]
pub(super) struct CatchPanic;

impl Guard for CatchPanic {
    async fn handle<C: Calls>(&self, request: Request<Body>, next: Next<'_, C>) -> Response<Body> {
        match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response.map(|inner| Body::new(Caught { inner: Some(inner) })),
            Err(_) => internal().into_http(),
        }
    }
}

/// A response body that ends with INTERNAL when its stream panics.
struct Caught {
    /// `None` once it has panicked.
    inner: Option<Body>,
}

impl http_body::Body for Caught {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let poll = AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx));
        catch_unwind(poll).unwrap_or_else(|_| {
            self.inner = None;
            Poll::Ready(Some(Ok(trailers(&internal()))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner
            .as_ref()
            .is_none_or(http_body::Body::is_end_stream)
    }
}
