//! The body of every request. It counts what arrives, and lets few compressed messages be unpacked at a
//! time: a few KB can become as much as a message may have, and meanwhile a worker thread does nothing
//! else.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use http_body::{Body as _, Frame};
use tonic::{Status, body::Body};

use crate::{api::incoming::Incoming, fair_semaphore::FairPermit};

/// Names the compression of a request's messages.
const ENCODING: &str = "grpc-encoding";

/// A request's body; it fails when there is no memory for more.
pub(super) struct RequestBody {
    body: Body,
    incoming: Arc<Incoming>,
    unpacking: Option<Unpacking>,
}

/// What a compressed body waits for before it passes on data.
#[derive(Default)]
struct Unpacking {
    next: Option<(Bytes, BoxFuture<'static, FairPermit>)>,
}

impl RequestBody {
    /// Wraps a body; compressed messages wait for a permit.
    pub(super) fn wrap(body: Body, headers: &HeaderMap, incoming: &Arc<Incoming>) -> Body {
        if body.is_end_stream() {
            return body;
        }
        let encoding = headers.get(ENCODING);
        let is_packed = encoding.is_some_and(|it| it != HeaderValue::from_static("identity"));
        Body::new(Self {
            body,
            incoming: Arc::clone(incoming),
            unpacking: is_packed.then(Unpacking::default),
        })
    }
}

impl Unpacking {
    /// Keeps data until it has a permit.
    fn keep(&mut self, data: Bytes, incoming: &Arc<Incoming>) {
        let incoming = Arc::clone(incoming);
        let permit = Box::pin(async move { incoming.unpack_permit().await });
        self.next = Some((data, permit));
    }

    /// The data that was kept, if any, and its permit.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Bytes, FairPermit)>> {
        let Some((_, permit)) = &mut self.next else {
            return Poll::Ready(None);
        };
        let permit = ready!(permit.as_mut().poll(cx));
        Poll::Ready(self.next.take().map(|(data, _)| (data, permit)))
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self {
            body,
            incoming,
            unpacking,
        } = &mut *self;
        if let Some(unpacking) = unpacking {
            // What was passed on before is unpacked, or waits for more.
            incoming.give_back();
            if unpacking.next.is_none() {
                match ready!(receive(body, incoming, cx)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => unpacking.keep(data, incoming),
                        Err(other) => return Poll::Ready(Some(Ok(other))),
                    },
                    end => return Poll::Ready(end),
                }
            }
            let kept = ready!(unpacking.poll(cx));
            return Poll::Ready(kept.map(|(data, permit)| {
                incoming.hold(permit);
                Ok(Frame::data(data))
            }));
        }
        receive(body, incoming, cx)
    }

    fn is_end_stream(&self) -> bool {
        let keeps = self.unpacking.as_ref().is_some_and(|it| it.next.is_some());
        !keeps && self.body.is_end_stream()
    }
}

/// The next frame, whose bytes count.
fn receive(
    body: &mut Body,
    incoming: &Incoming,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
    let polled = Pin::new(body).poll_frame(cx);
    if let Poll::Ready(Some(Ok(frame))) = &polled
        && let Some(data) = frame.data_ref()
        && let Err(status) = incoming.receive(data.len())
    {
        return Poll::Ready(Some(Err(status)));
    }
    polled
}
