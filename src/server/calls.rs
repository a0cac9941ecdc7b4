//! The middleware: what happens around every call.
//!
//! One `tower::Service` with one future per call, not a stack of layers: a boxed future and a
//! boxed body for each step cost more than the steps themselves. [`Calls::handle`] holds the
//! order of the steps, and [`CallBody`] does the same for the body of the response.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderValue, Request, Response};
use http_body::Body as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body, service::Routes};
use tower::{Service, util::ServiceExt};
use tracing::Instrument;

use super::{
    body::CallBody,
    deadline::{Deadline, grpc_timeout},
    errors,
    log::CallLog,
    methods::{MethodClass, MethodTable},
};
use crate::{
    api::{
        request::CallEnd,
        request_id,
        status::{deadline_exceeded, internal, overloaded, shutting_down},
    },
    model::RequestId,
};

/// What all calls share.
pub(super) struct Calls {
    pub(super) routes: Routes,
    pub(super) methods: MethodTable,
    /// One permit per call that may be handled at a time.
    pub(super) permits: Arc<Semaphore>,
    /// The longest time of calls of [`MethodClass::Unary`].
    pub(super) max_unary_time: Duration,
    /// The longest time of calls of [`MethodClass::Stream`].
    pub(super) max_stream_time: Duration,
    /// Cancelled when no new calls are admitted; calls of [`MethodClass::LongLived`] end then.
    pub(super) draining: CancellationToken,
    /// Cancelled when the drain has timed out: every call ends then.
    pub(super) aborting: CancellationToken,
}

/// A response, and what is needed until its body has ended.
struct Handled {
    response: Response<Body>,
    permit: Option<OwnedSemaphorePermit>,
    /// `None` for a body that needs no timer.
    deadline: Option<Deadline>,
}

impl Calls {
    async fn handle(&self, request: Request<Body>, arrived: Instant) -> Response<Body> {
        // First, so that every log line and every error names the call.
        let id = Arc::new(request_id::of(request.headers()));
        let work = async {
            // Around everything that answers, so that the log has what the caller gets.
            let log = CallLog::start(self.methods.name(request.uri().path()));
            let span = log.span().clone();
            let handled = self.admit(request, arrived).instrument(span).await;
            (log, handled)
        };
        let (mut log, handled) = request_id::scope(Arc::clone(&id), work).await;
        let header = HeaderValue::from_str(id.as_str());
        let mut response = match handled {
            Ok(handled) => respond(handled, log, id),
            Err(status) => {
                log.end(status.code());
                status.into_http()
            }
        };
        if let Ok(header) = header {
            response.headers_mut().insert(request_id::HEADER, header);
        }
        response
    }

    /// Runs the handler if the call is still in time and there is a permit for it.
    async fn admit(&self, mut request: Request<Body>, arrived: Instant) -> Result<Handled, Status> {
        request_id::check_single(request.headers())?;
        let class = self.methods.class(request.uri().path());
        let time = [grpc_timeout(request.headers()), self.max_time(class)];
        let deadline = Deadline {
            at: time
                .into_iter()
                .flatten()
                .min()
                .and_then(|time| arrived.checked_add(time)),
            draining: (class == MethodClass::LongLived).then(|| self.draining.clone()),
            aborting: self.aborting.clone(),
        };
        if deadline.has_passed() {
            return Err(deadline_exceeded());
        }
        let permit = self.permit(request.uri().path())?;
        if let Some(at) = deadline.at {
            request.extensions_mut().insert(CallEnd(at));
        }
        // Within everything else: a panic unwinds through the handler only. What panicked is
        // dropped and never polled again, which makes it unwind-safe.
        let handler = AssertUnwindSafe(self.routes.clone().oneshot(request)).catch_unwind();
        let response = tokio::select! {
            biased;
            response = handler => response.map_err(|_| internal())?,
            end = deadline.ended() => return Err(end.into_status()),
        };
        let Ok(response) = response;
        // A single message that is there already needs no timer.
        let timed = class != MethodClass::Unary && !response.body().is_end_stream();
        Ok(Handled {
            response,
            permit,
            deadline: timed.then_some(deadline),
        })
    }

    fn max_time(&self, class: MethodClass) -> Option<Duration> {
        match class {
            MethodClass::Unary => Some(self.max_unary_time),
            MethodClass::Stream => Some(self.max_stream_time),
            MethodClass::LongLived => None,
        }
    }

    /// Refuses the call at once when the server is full or stopping, instead of queueing it.
    /// Health checks always pass: an overloaded server is still healthy.
    fn permit(&self, path: &str) -> Result<Option<OwnedSemaphorePermit>, Status> {
        if path.starts_with("/grpc.health.v1.Health/") {
            return Ok(None);
        }
        if self.draining.is_cancelled() {
            return Err(shutting_down());
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        permit.map(Some).map_err(|_| overloaded())
    }
}

/// Completes the handler's error, or wraps its body.
fn respond(handled: Handled, mut log: CallLog, request_id: Arc<RequestId>) -> Response<Body> {
    let mut response = handled.response;
    if let Some(code) = errors::complete(response.headers_mut()) {
        log.end(code);
        return response;
    }
    response.map(|body| {
        Body::new(CallBody::new(
            body,
            handled.permit,
            handled.deadline,
            request_id,
            log,
        ))
    })
}

/// [`Calls`] as a tower service.
#[derive(Clone)]
pub(super) struct CallService(pub(super) Arc<Calls>);

impl Service<Request<Body>> for CallService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The handler's readiness is awaited within the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let calls = Arc::clone(&self.0);
        // The time until the future is polled counts against the call's deadline.
        let arrived = Instant::now();
        Box::pin(async move { Ok(calls.handle(request, arrived).await) })
    }
}
