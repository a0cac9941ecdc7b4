//! The body of every response. It holds the call's place, ends at the call's deadline and when it is
//! not read, turns errors and panics into trailers, and logs how the call ended.
//!
//! hyper does not poll a body whose reader has stopped reading, so a timer within the body would
//! not fire for exactly the readers that it is meant for. A task waits for the deadline instead:
//! it drops the handler's stream, and with it all that the handler holds, and leaves the status
//! to be sent.

use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame};
use tokio::time::{Instant, sleep_until};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, task_tracker::TaskTrackerToken},
};
use tonic::{Status, body::Body};

use super::{
    deadline::{Deadline, EndReason},
    errors,
    log::CallLog,
};
use crate::{
    api::{
        incoming::{self, Incoming},
        quota::TakenQuota,
        request_id,
        status::internal,
    },
    model::RequestId,
};

/// What names a call in logs and counts what it receives.
#[derive(Clone)]
pub(super) struct CallScope {
    pub(super) id: Arc<RequestId>,
    pub(super) incoming: Arc<Incoming>,
    /// Held until the response's body is dropped or not read for too long.
    open: Option<OpenCall>,
}

/// Counts an open call of a connection; an extension of the request.
pub(super) type OpenCall = Arc<TaskTrackerToken>;

impl CallScope {
    pub(super) fn new(id: Arc<RequestId>, incoming: Arc<Incoming>, open: Option<OpenCall>) -> Self {
        Self { id, incoming, open }
    }
}

/// How long a caller may leave an answer unread while the server drains.
const MAX_UNREAD_IN_DRAIN: Duration = Duration::from_secs(1);

pub(super) struct CallBody {
    shared: Arc<Shared>,
    scope: CallScope,
    log: CallLog,
    _timer: AbortOnDropHandle<()>,
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
    /// When the answer, or a part of it, was ready to be sent; `None` while the handler works.
    unread_since: Option<Instant>,
    /// Keeps the connection open when the server drains.
    open: Option<OpenCall>,
}

struct Handler {
    body: Body,
    /// Held until the stream has ended: a place returned with the headers, as tower's
    /// concurrency limit does, would not bound open streams.
    _place: Option<TakenQuota>,
}

impl CallBody {
    /// Wraps the handler's `body`; a task ends it in time.
    pub(super) fn new(
        body: Body,
        place: Option<TakenQuota>,
        deadline: Deadline,
        mut scope: CallScope,
        log: CallLog,
    ) -> Self {
        let shared = Arc::new(Shared(Mutex::new(State {
            handler: Some(Handler {
                body,
                _place: place,
            }),
            status: None,
            reader: None,
            unread_since: Some(Instant::now()),
            open: scope.open.take(),
        })));
        let timed = Arc::clone(&shared);
        let timer = async move {
            let end = tokio::select! {
                biased;
                end = deadline.ended() => end,
                () = timed.unread_for(deadline.max_unread) => EndReason::Unread,
                () = timed.unread_in_drain(&deadline.draining) => EndReason::UnreadInDrain,
            };
            timed.end(end);
        };
        Self {
            shared,
            scope,
            log,
            _timer: AbortOnDropHandle::new(tokio::spawn(timer)),
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
        let CallScope { id, incoming, .. } = this.scope.clone();
        let polled = request_id::sync_scope(id, || {
            incoming::sync_scope(incoming, || {
                let _entered = (this.log.span().enter(), this.log.trace().enter());
                this.shared.lock().poll(cx)
            })
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

    /// Waits until the caller has left a part of the answer unread for so long: hyper asks for the
    /// next part when there is room for it.
    async fn unread_for(&self, max: Duration) {
        loop {
            let now = Instant::now();
            let since = self.lock().unread_since.unwrap_or(now);
            let Some(end) = since.checked_add(max) else {
                return pending().await;
            };
            if end <= now {
                return;
            }
            sleep_until(end).await;
        }
    }

    /// Waits until the server drains and the caller does not read.
    async fn unread_in_drain(&self, draining: &CancellationToken) {
        draining.cancelled().await;
        self.unread_for(MAX_UNREAD_IN_DRAIN).await;
    }

    fn end(&self, end: EndReason) {
        let mut state = self.lock();
        if state.handler.is_none() {
            return;
        }
        // Dropped after the lock is released: dropping a stream runs the handler's code.
        let cut_off = match &end {
            EndReason::DeadlineExceeded
            | EndReason::Refused(_)
            | EndReason::Unread
            | EndReason::UnreadInDrain
            | EndReason::Aborted => state.handler.take(),
            EndReason::Draining => None,
        };
        if matches!(end, EndReason::Unread | EndReason::UnreadInDrain) {
            // The status may never be read either.
            state.open = None;
        }
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
        self.unread_since = None;
        let polled = self.poll_handler(cx);
        if polled.is_ready() {
            self.unread_since = Some(Instant::now());
        }
        polled
    }

    fn poll_handler(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
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
