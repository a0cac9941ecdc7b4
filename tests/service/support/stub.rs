//! A gRPC service that implements only the calls a test needs and answers UNIMPLEMENTED to the
//! rest. Unlike an implementation of the generated trait it still compiles when an RPC is added.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::{Ready, ready},
    marker::PhantomData,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{BoxFuture, Either, FutureExt};
use prost::Message;
use tonic::{
    Request, Response, Status, Streaming,
    body::Body,
    server::{Grpc, NamedService},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

type HttpResponse = http::Response<Body>;
type Method<T> =
    Arc<dyn Fn(Arc<T>, http::Request<Body>) -> BoxFuture<'static, HttpResponse> + Send + Sync>;

/// The service `S`, which is the generated server type over `()`, with handlers that share a `T`.
pub(crate) struct Stub<S, T> {
    state: Arc<T>,
    methods: HashMap<String, Method<T>>,
    max_message_size: usize,
    service: PhantomData<fn() -> S>,
}

impl<S: NamedService, T: Send + Sync + 'static> Stub<S, T> {
    /// Messages in both directions may have at most `max_message_size` bytes.
    pub(crate) fn new(state: Arc<T>, max_message_size: usize) -> Self {
        Self {
            state,
            methods: HashMap::new(),
            max_message_size,
            service: PhantomData,
        }
    }

    /// Adds a unary method, such as `GetContact`.
    pub(crate) fn unary<Q, A, F>(self, name: &str, call: fn(Arc<T>, Request<Q>) -> F) -> Self
    where
        Q: Message + Default + 'static,
        A: Message + Default + 'static,
        F: Future<Output = Result<Response<A>, Status>> + Send + 'static,
    {
        let size = self.max_message_size;
        self.method(name, move |state, request| {
            let service = service_fn(move |request| call(Arc::clone(&state), request));
            async move { grpc(size).unary(service, request).await }.boxed()
        })
    }

    /// Adds a method that answers with a stream.
    pub(crate) fn server_streaming<Q, A, F, R>(
        self,
        name: &str,
        call: fn(Arc<T>, Request<Q>) -> F,
    ) -> Self
    where
        Q: Message + Default + 'static,
        A: Message + Default + 'static,
        F: Future<Output = Result<Response<R>, Status>> + Send + 'static,
        R: futures_util::Stream<Item = Result<A, Status>> + Send + 'static,
    {
        let size = self.max_message_size;
        self.method(name, move |state, request| {
            let service = service_fn(move |request| call(Arc::clone(&state), request));
            async move { grpc(size).server_streaming(service, request).await }.boxed()
        })
    }

    /// Adds a method that reads a stream and answers with one.
    pub(crate) fn streaming<Q, A, F, R>(
        self,
        name: &str,
        call: fn(Arc<T>, Request<Streaming<Q>>) -> F,
    ) -> Self
    where
        Q: Message + Default + 'static,
        A: Message + Default + 'static,
        F: Future<Output = Result<Response<R>, Status>> + Send + 'static,
        R: futures_util::Stream<Item = Result<A, Status>> + Send + 'static,
    {
        let size = self.max_message_size;
        self.method(name, move |state, request| {
            let service = service_fn(move |request| call(Arc::clone(&state), request));
            async move { grpc(size).streaming(service, request).await }.boxed()
        })
    }

    fn method(
        mut self,
        name: &str,
        method: impl Fn(Arc<T>, http::Request<Body>) -> BoxFuture<'static, HttpResponse>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let path = format!("/{}/{name}", S::NAME);
        self.methods.insert(path, Arc::new(method));
        self
    }
}

fn grpc<Q, A>(max_message_size: usize) -> Grpc<ProstCodec<A, Q>>
where
    Q: Message + Default + 'static,
    A: Message + Default + 'static,
{
    Grpc::new(ProstCodec::default())
        .apply_max_message_size_config(Some(max_message_size), Some(max_message_size))
}

impl<S, T> Clone for Stub<S, T> {
    fn clone(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            methods: self.methods.clone(),
            max_message_size: self.max_message_size,
            service: PhantomData,
        }
    }
}

impl<S: NamedService, T> NamedService for Stub<S, T> {
    const NAME: &'static str = S::NAME;
}

impl<S, T> Service<http::Request<Body>> for Stub<S, T> {
    type Response = HttpResponse;
    type Error = Infallible;
    type Future = futures_util::future::Map<
        Either<BoxFuture<'static, HttpResponse>, Ready<HttpResponse>>,
        fn(HttpResponse) -> Result<HttpResponse, Infallible>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let response = match self.methods.get(request.uri().path()) {
            Some(method) => Either::Left(method(Arc::clone(&self.state), request)),
            None => Either::Right(ready(Status::unimplemented("not in this test").into_http())),
        };
        response.map(Ok)
    }
}
