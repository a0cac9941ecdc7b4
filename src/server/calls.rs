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
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body, service::Routes};
use tower::{Service, util::ServiceExt};
use tracing::Instrument;

use super::{
    admission::{Admission, refuse_other_protocols},
    authentication::{Recheck, authenticate},
    body::{CallBody, CallScope, OpenCall},
    deadline::{Deadline, grpc_timeout},
    errors,
    limits::Limits,
    log::CallLog,
    methods::{KnownMethod, MethodClass, MethodTable},
    request_body::RequestBody,
};
use crate::{
    api::{
        caller::Caller,
        incoming::{self, Incoming},
        quota::TakenQuota,
        request::CallEnd,
        request_id,
        status::{deadline_exceeded, internal},
    },
    auth::Authenticator,
};

/// What all calls share.
pub(super) struct Calls {
    pub(super) routes: Routes,
    pub(super) methods: MethodTable,
    pub(super) authenticator: Authenticator,
    pub(super) admission: Admission,
    pub(super) limits: Limits,
    /// Cancelled when no new connections are accepted; calls of [`MethodClass::LongLived`] end then.
    pub(super) draining: CancellationToken,
    /// Cancelled when the drain has timed out: every call ends then.
    pub(super) aborting: CancellationToken,
}

/// A response, and what is needed until its body has ended.
struct Handled {
    response: Response<Body>,
    place: Option<TakenQuota>,
    deadline: Deadline,
}

impl Calls {
    async fn handle(&self, request: Request<Body>, arrived: Instant) -> Response<Body> {
        if let Some(refusal) = refuse_other_protocols(&request) {
            return refusal;
        }
        // First, so that every log line and every error names the call.
        let id = Arc::new(request_id::of(request.headers()));
        let method = self.methods.get(request.uri().path());
        let peer = request.extensions().get().cloned();
        let headers = request.headers();
        let (caller, recheck) = authenticate(&self.authenticator, method, headers, peer).await;
        let share = caller
            .as_ref()
            .map_or_else(|_| Arc::from(""), Caller::share);
        let known = caller.as_ref().ok().filter(|_| self.authenticator.is_on());
        let principal = known.map(Caller::name);
        let single = method.takes_one_message;
        let Admission {
            memory, unpacking, ..
        } = &self.admission;
        let incoming = Incoming::new(memory, unpacking, &share, single);
        let open = request.extensions().get::<OpenCall>().cloned();
        let scope = CallScope::new(id, incoming, open);
        let (head, body) = request.into_parts();
        let body = RequestBody::wrap(body, &head.headers, &scope.incoming);
        let request = Request::from_parts(head, body);
        let work = async {
            // Around everything that answers, so that the log has what the caller gets.
            let log = CallLog::start(method, &share, principal, request.headers());
            let (span, trace) = (log.span().clone(), log.trace().clone());
            let handled = self.admit(request, method, caller, recheck, &share, arrived);
            let handled = handled.instrument(trace).instrument(span).await;
            (log, handled)
        };
        let work = incoming::scope(Arc::clone(&scope.incoming), work);
        let (mut log, handled) = request_id::scope(Arc::clone(&scope.id), work).await;
        let header = HeaderValue::from_str(scope.id.as_str());
        let mut response = match handled {
            Ok(handled) => respond(handled, log, scope),
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

    /// Runs the handler if the call is still in time and there is a place for it.
    async fn admit(
        &self,
        mut request: Request<Body>,
        method: &KnownMethod,
        caller: Result<Caller, Status>,
        recheck: Option<Recheck>,
        share: &Arc<str>,
        arrived: Instant,
    ) -> Result<Handled, Status> {
        request_id::check_single(request.headers())?;
        request.extensions_mut().insert(caller?);
        let class = method.class;
        let time = [grpc_timeout(request.headers()), self.max_time(class)];
        let deadline = Deadline {
            at: time
                .into_iter()
                .flatten()
                .min()
                .and_then(|time| arrived.checked_add(time)),
            draining: self.draining.clone(),
            ends_with_drain: class == MethodClass::LongLived,
            aborting: self.aborting.clone(),
            max_unread: self.limits.unread_timeout,
            recheck,
        };
        if deadline.has_passed() {
            return Err(deadline_exceeded());
        }
        let place = self.admission.place(method, share)?;
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
        Ok(Handled {
            response,
            place,
            deadline,
        })
    }

    fn max_time(&self, class: MethodClass) -> Option<Duration> {
        match class {
            MethodClass::Unary => Some(self.limits.max_unary_time),
            MethodClass::Stream => Some(self.limits.max_stream_time),
            MethodClass::LongLived => None,
        }
    }
}

/// Completes the handler's error, or wraps its body.
fn respond(handled: Handled, mut log: CallLog, scope: CallScope) -> Response<Body> {
    let mut response = handled.response;
    if let Some(code) = errors::complete(response.headers_mut()) {
        log.end(code);
        return response;
    }
    response.map(|body| {
        let (place, deadline) = (handled.place, handled.deadline);
        Body::new(CallBody::new(body, place, deadline, scope, log))
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
