//! The body of every request. It counts what arrives.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use tonic::{Status, body::Body};

use crate::api::incoming::Incoming;

/// A request's body; it fails when there is no memory for more.
pub(super) struct RequestBody {
    body: Body,
    incoming: Arc<Incoming>,
}

impl RequestBody {
    pub(super) fn wrap(body: Body, incoming: &Arc<Incoming>) -> Body {
        if body.is_end_stream() {
            return body;
        }
        let incoming = Arc::clone(incoming);
        Body::new(Self { body, incoming })
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
            && let Err(status) = self.incoming.receive(data.len())
        {
            return Poll::Ready(Some(Err(status)));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
