//! How a concern is put around every call: a [`Guard`] is one async function, [`Guarded`] makes a
//! tower layer of it, and [`Answering`] a tower service of all of them.
//!
//! A call borrows the guards, which all calls share: nothing is cloned for each of them.

use std::{
    convert::Infallible,
    future::Future,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tokio::time::Instant;
use tonic::{body::Body, service::Routes};
use tower::{Layer, Service, util::ServiceExt};

/// Something done around every call.
pub(super) trait Guard: Send + Sync + 'static {
    /// Answers `request`, as a rule by running `next` with something before, around or after it.
    fn handle<C: Calls>(
        &self,
        request: Request<Body>,
        next: Next<'_, C>,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// What answers calls: the guards within, and at last the routes.
pub(super) trait Calls: Send + Sync + 'static {
    /// Answers a call.
    fn answer(&self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send;
}

impl Calls for Routes {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        match self.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// What a guard stands around.
pub(super) struct Next<'c, C>(&'c C);

impl<C: Calls> Next<'_, C> {
    /// Lets the call through.
    pub(super) fn run(self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send {
        self.0.answer(request)
    }
}

/// When the call reached the server, in the request's extensions: time spent before a guard runs
/// counts against the call's deadline.
#[derive(Clone, Copy)]
pub(super) struct Arrived(pub(super) Instant);

/// A guard, as a tower layer, and with what it stands around.
#[derive(Clone)]
pub(super) struct Guarded<G, C = ()> {
    guard: G,
    inner: C,
}

impl<G> Guarded<G> {
    /// The layer that puts `guard` around what answers calls.
    pub(super) fn by(guard: G) -> Self {
        Self { guard, inner: () }
    }
}

impl<G: Clone, C> Layer<C> for Guarded<G> {
    type Service = Guarded<G, C>;

    fn layer(&self, inner: C) -> Self::Service {
        Guarded {
            guard: self.guard.clone(),
            inner,
        }
    }
}

impl<G: Guard, C: Calls> Calls for Guarded<G, C> {
    fn answer(&self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send {
        self.guard.handle(request, Next(&self.inner))
    }
}

/// What answers calls, as a tower service.
pub(super) struct Answering<C>(Arc<C>);

impl<C> Answering<C> {
    /// The service that answers with `calls`.
    pub(super) fn with(calls: C) -> Self {
        Self(Arc::new(calls))
    }
}

impl<C> Clone for Answering<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Calls> Service<Request<Body>> for Answering<C> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Whoever is not ready has the call wait within.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        request.extensions_mut().insert(Arrived(Instant::now()));
        let calls = Arc::clone(&self.0);
        Box::pin(async move { Ok(calls.answer(request).await) })
    }
}
