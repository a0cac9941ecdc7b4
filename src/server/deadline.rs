//! Bounds every call in time: by the caller's deadline, by the cap of its class, by the drain;
//! and streams to their end, not only up to their headers.

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use http::{Extensions, HeaderMap, Request, Response};
use http_body::Body as _;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};

use super::{
    bounded::Bounded,
    grpc_timeout,
    guard::{Arrived, Calls, Guard, Next},
    methods::{Class, Methods},
    status::{deadline_exceeded, shutting_down},
};

/// The most by which a call ends before the caller's deadline; a tenth of it if that is less. So
/// on a fast network the answer, which says more, is there before the caller's own timer fires;
/// clients of tonic report that one as CANCELLED.
const HEAD_START: Duration = Duration::from_millis(5);

/// Ends calls whose time is up.
#[derive(Clone)]
pub(super) struct Deadline {
    pub(super) methods: Arc<Methods>,
    /// The cap for calls of [`Class::Unary`].
    pub(super) max_unary_time: Duration,
    /// The cap for calls of [`Class::Stream`].
    pub(super) max_stream_time: Duration,
    /// Cancelled when the server drains: calls of [`Class::Standing`] end then.
    pub(super) draining: CancellationToken,
    /// Cancelled when the drain has taken too long: every call ends then.
    pub(super) abandoned: CancellationToken,
}

impl Guard for Deadline {
    async fn handle<C: Calls>(&self, request: Request<Body>, next: Next<'_, C>) -> Response<Body> {
        let class = self.methods.class(request.uri().path());
        let term = self.term(class, arrival(request.extensions()), request.headers());
        if term.has_passed() {
            return deadline_exceeded().into_http();
        }
        // What loses is dropped before the winner's branch runs.
        let response = tokio::select! {
            biased;
            response = next.run(request) => response,
            end = term.over() => return end.into_status().into_http(),
        };
        // One message that is already there needs no watching.
        if class == Class::Unary || response.body().is_end_stream() {
            return response;
        }
        response.map(|body| Body::new(Bounded::new(body, term)))
    }
}

impl Deadline {
    fn term(&self, class: Class, arrived: Instant, headers: &HeaderMap) -> Term {
        let asked = grpc_timeout::parse(headers).map(|asked| asked - HEAD_START.min(asked / 10));
        let cap = match class {
            Class::Unary => Some(self.max_unary_time),
            Class::Stream => Some(self.max_stream_time),
            Class::Standing => None,
        };
        let time = asked.into_iter().chain(cap).min();
        Term {
            deadline: time.and_then(|time| arrived.checked_add(time)),
            draining: (class == Class::Standing).then(|| self.draining.clone()),
            abandoned: self.abandoned.clone(),
        }
    }
}

fn arrival(extensions: &Extensions) -> Instant {
    extensions
        .get::<Arrived>()
        .map_or_else(Instant::now, |arrived| arrived.0)
}

/// How long one call may go on.
pub(super) struct Term {
    deadline: Option<Instant>,
    draining: Option<CancellationToken>,
    abandoned: CancellationToken,
}

/// How a call ends whose term is over.
pub(super) enum End {
    /// At once.
    Now(Status),
    /// When it has nothing more to say for the moment: the last health status still gets out.
    WhenIdle(Status),
}

impl End {
    /// What the caller is told.
    pub(super) fn into_status(self) -> Status {
        match self {
            Self::Now(status) | Self::WhenIdle(status) => status,
        }
    }
}

impl Term {
    /// Whether the deadline has passed.
    pub(super) fn has_passed(&self) -> bool {
        self.deadline.is_some_and(|at| Instant::now() >= at)
    }

    /// Waits for the end of the term.
    pub(super) async fn over(&self) -> End {
        let draining = async {
            match &self.draining {
                Some(token) => token.cancelled().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.deadline_passes() => End::Now(deadline_exceeded()),
            () = self.abandoned.cancelled() => End::Now(shutting_down()),
            () = draining => End::WhenIdle(shutting_down()),
        }
    }

    async fn deadline_passes(&self) {
        let Some(at) = self.deadline else {
            return pending().await;
        };
        let mut timer = pin!(sleep_until(at));
        // The clock decides: a task that is busy enough to be out of budget does not see its
        // timer fire.
        poll_fn(|cx| match self.has_passed() {
            true => Poll::Ready(()),
            false => timer.as_mut().poll(cx),
        })
        .await;
    }
}
