//! Gives every call its request id: the caller's if it is well formed, else a new one.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use tonic::{Status, body::Body};

use super::guard::{Calls, Guard, Next};
use crate::api::request_id::{self, RequestId};

/// Puts the request id into the request's extensions, the task-local and the response's headers.
#[derive(Clone)]
pub(super) struct Identify;

impl Guard for Identify {
    async fn handle<C: Calls>(
        &self,
        mut request: Request<Body>,
        next: Next<'_, C>,
    ) -> Response<Body> {
        let id = given(request.headers()).unwrap_or_else(RequestId::random);
        request.extensions_mut().insert(id.clone());
        let mut response = request_id::scope(id.clone(), next.run(request)).await;
        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert(request_id::HEADER, value);
        }
        response.map(|inner| Body::new(Identified { inner, id }))
    }
}

fn given(headers: &HeaderMap) -> Option<RequestId> {
    headers.get(request_id::HEADER)?.to_str().ok()?.parse().ok()
}

/// A response body whose stream runs under the call's id.
struct Identified {
    inner: Body,
    id: RequestId,
}

impl http_body::Body for Identified {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let id = self.id.clone();
        request_id::sync_scope(id, || Pin::new(&mut self.inner).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}
