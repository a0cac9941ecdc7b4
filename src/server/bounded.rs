//! A streamed response that ends when its call's term is over, read or unread.
//!
//! hyper does not poll a body whose reader has stopped reading, so a timer within the body would
//! not fire for exactly the readers it is there for. A task watches instead: it takes the stream
//! out of the body, which frees all the handler holds, and leaves the status to be sent.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use tokio_util::task::AbortOnDropHandle;
use tonic::{Status, body::Body};

use super::{
    deadline::{End, Term},
    status::trailers,
};

type Polled = Poll<Option<Result<Frame<Bytes>, Status>>>;

/// A response body with an end.
pub(super) struct Bounded {
    shared: Arc<Shared>,
    _watch: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    /// The stream; `None` when it has ended or its time was up.
    inner: Option<Body>,
    /// What is still to be sent: at once without a stream, else when the stream is idle.
    end: Option<Status>,
    /// Who waits for the next frame.
    reader: Option<Waker>,
}

impl Bounded {
    /// Bounds `body` by `term`.
    pub(super) fn new(body: Body, term: Term) -> Self {
        let shared = Arc::new(Shared::default());
        shared.lock().inner = Some(body);
        let watched = Arc::clone(&shared);
        let watch = tokio::spawn(async move { watched.end(term.over().await) });
        Self {
            shared,
            _watch: AbortOnDropHandle::new(watch),
        }
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        // The watch shares the stream and is aborted only at its next turn; the handler's work
        // is to stop now.
        let inner = self.shared.lock().inner.take();
        drop(inner);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned state is a stream that panicked; the panic has been caught within.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, end: End) {
        let mut state = self.lock();
        // Outlives the lock: dropping a stream runs its owner's code.
        let mut cut = None;
        match (end, state.inner.is_some()) {
            (_, false) => return,
            (End::Now(status), true) => {
                state.end = Some(status);
                cut = state.inner.take();
            }
            (End::WhenIdle(status), true) => state.end = Some(status),
        }
        let reader = state.reader.take();
        drop(state);
        drop(cut);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl State {
    fn poll(&mut self, cx: &mut Context<'_>) -> Polled {
        if let Some(inner) = &mut self.inner {
            match Pin::new(inner).poll_frame(cx) {
                Poll::Ready(None) => self.inner = None,
                Poll::Pending if self.end.is_none() => {
                    self.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Poll::Pending => self.inner = None,
                frame => return frame,
            }
        }
        Poll::Ready(self.end.take().map(|status| Ok(trailers(&status))))
    }
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        self.shared.lock().poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        let state = self.shared.lock();
        let over = state
            .inner
            .as_ref()
            .is_none_or(http_body::Body::is_end_stream);
        over && state.end.is_none()
    }
}
