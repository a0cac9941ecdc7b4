//! How a concern is put around every call: a [`Guard`] is one async function, [`Guarded`] makes a
//! tower layer and service of it.

use std::{
    convert::Infallible,
    future::Future,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tokio::time::Instant;
use tonic::body::Body;
use tower::{Layer, Service, util::ServiceExt};

/// Something done around every call.
pub(super) trait Guard: Clone + Send + Sync + 'static {
    /// Answers `request`, as a rule by running `next` with something before, around or after it.
    fn handle<S: Calls>(
        self,
        request: Request<Body>,
        next: Next<S>,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// A service that answers calls: the guards within, and at last the routes.
pub(super) trait Calls:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> Calls for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// What a guard stands around.
pub(super) struct Next<S>(S);

impl<S: Calls> Next<S> {
    /// Lets the call through.
    pub(super) async fn run(self, request: Request<Body>) -> Response<Body> {
        match self.0.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// When the call reached the server, in the request's extensions: time spent before a guard runs
/// counts against the call's deadline.
#[derive(Clone, Copy)]
pub(super) struct Arrived(pub(super) Instant);

/// A guard as a tower layer, and with what it stands around as a service.
#[derive(Clone)]
pub(super) struct Guarded<G, S = ()> {
    guard: G,
    inner: S,
}

impl<G> Guarded<G> {
    /// The layer that puts `guard` around a service.
    pub(super) fn by(guard: G) -> Self {
        Self { guard, inner: () }
    }
}

impl<G: Guard, S> Layer<S> for Guarded<G> {
    type Service = Guarded<G, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded {
            guard: self.guard.clone(),
            inner,
        }
    }
}

impl<G: Guard, S: Calls> Service<Request<Body>> for Guarded<G, S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // `Next::run` waits until the service within is ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        request
            .extensions_mut()
            .get_or_insert_with(|| Arrived(Instant::now()));
        let guard = self.guard.clone();
        let next = Next(self.inner.clone());
        Box::pin(async move { Ok(guard.handle(request, next).await) })
    }
}
