//! The body of every response: holds the call's permit, ends at the call's deadline, turns errors
//! and panics into trailers, and logs how the call ended.
//!
//! hyper does not poll a body whose reader has stopped reading, so a timer within the body would
//! not fire for exactly the readers that it is meant for. A task waits for the deadline instead:
//! it drops the handler's stream, and with it all that the handler holds, and leaves the status
//! to be sent.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Status, body::Body};

use super::{
    deadline::{Deadline, EndReason},
    errors,
    log::CallLog,
};
use crate::{
    api::{request_id, status::internal},
    model::RequestId,
};

pub(super) struct CallBody {
    shared: Arc<Shared>,
    request_id: Arc<RequestId>,
    log: CallLog,
    _timer: Option<AbortOnDropHandle<()>>,
}

/// The part that the timer's task can reach.
struct Shared(Mutex<State>);

struct State {
    /// The handler's stream; `None` when it has ended, has panicked or was cut off.
    handler: Option<Handler>,
    /// The status to send: at once without a stream, else when the stream is pending.
    status: Option<Status>,
    /// Wakes the task that waits for the next frame.
    reader: Option<Waker>,
}

struct Handler {
    body: Body,
    /// Held until the stream has ended: a permit returned with the headers, as tower's
    /// concurrency limit does, would not bound open streams.
    _permit: Option<OwnedSemaphorePermit>,
}

impl CallBody {
    /// Wraps the handler's `body`; with a `deadline`, a task ends it in time.
    pub(super) fn new(
        body: Body,
        permit: Option<OwnedSemaphorePermit>,
        deadline: Option<Deadline>,
        request_id: Arc<RequestId>,
        log: CallLog,
    ) -> Self {
        let shared = Arc::new(Shared(Mutex::new(State {
            handler: Some(Handler {
                body,
                _permit: permit,
            }),
            status: None,
            reader: None,
        })));
        let timer = deadline.map(|deadline| {
            let shared = Arc::clone(&shared);
            let timer = async move { shared.end(deadline.ended().await) };
            AbortOnDropHandle::new(tokio::spawn(timer))
        });
        Self {
            shared,
            request_id,
            log,
            _timer: timer,
        }
    }
}

impl Drop for CallBody {
    fn drop(&mut self) {
        // The timer's task shares the stream, and is aborted only when it is scheduled next; the
        // handler's work must stop now.
        let handler = self.shared.lock().handler.take();
        drop(handler);
    }
}

impl http_body::Body for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let polled = request_id::sync_scope(Arc::clone(&this.request_id), || {
            let _entered = this.log.span().enter();
            this.shared.lock().poll(cx)
        });
        polled.map(|frame| frame.map(|frame| Ok(this.log.observe(errors::complete_frame(frame)))))
    }

    fn is_end_stream(&self) -> bool {
        let state = self.shared.lock();
        let ended = state
            .handler
            .as_ref()
            .is_none_or(|it| it.body.is_end_stream());
        ended && state.status.is_none()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of the stream is caught while the lock is held, so the state stays consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, end: EndReason) {
        let mut state = self.lock();
        if state.handler.is_none() {
            return;
        }
        // Dropped after the lock is released: dropping a stream runs the handler's code.
        let cut_off = match end {
            EndReason::DeadlineExceeded | EndReason::Aborted => state.handler.take(),
            EndReason::Draining => None,
        };
        state.status = Some(end.into_status());
        let reader = state.reader.take();
        drop(state);
        drop(cut_off);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl State {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        if let Some(handler) = &mut self.handler {
            let poll = AssertUnwindSafe(|| Pin::new(&mut handler.body).poll_frame(cx));
            match catch_unwind(poll) {
                Ok(Poll::Ready(Some(Ok(frame)))) => return Poll::Ready(Some(frame)),
                // An error of the body would reset the stream and lose its status.
                Ok(Poll::Ready(Some(Err(status)))) => return Poll::Ready(Some(trailers(&status))),
                Ok(Poll::Pending) if self.status.is_none() => {
                    self.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                // Idle, so the status is due.
                Ok(Poll::Ready(None) | Poll::Pending) => {}
                // Without an answer, the client would see a reset stream, which clients report as
                // CANCELLED.
                Err(_) => self.status = Some(internal()),
            }
            self.handler = None;
        }
        Poll::Ready(self.status.take().map(|status| trailers(&status)))
    }
}

/// The status as the last frame of a response.
fn trailers(status: &Status) -> Frame<Bytes> {
    let mut headers = HeaderMap::new();
    if status.add_header(&mut headers).is_err() {
        headers.insert(Status::GRPC_STATUS, (tonic::Code::Internal as i32).into());
    }
    Frame::trailers(headers)
}
