//! Accepts connections and serves each in a task of its own: at most so many at a time, none for
//! ever, and never in a hurry when accepting fails.
//!
//! In place of tonic's own loop, which puts a timer around every call that answers CANCELLED at
//! the caller's deadline and that no layer can reach. A timer within that fires up to 5 ms earlier
//! still lost on a busy machine: at least 4 of 1,800 calls with deadlines of 20 to 50 ms.

use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tonic::{
    body::Body,
    codegen::StdError,
    transport::server::{Connected, TcpConnectInfo},
};
use tower::Service;

use super::{
    connection::Connection,
    guard::{Answering, Calls},
    http2,
    limits::Limits,
};

/// The pause after a failed accept, e.g. for want of file descriptors: those come back when
/// connections close, not by asking again at once.
const BACK_OFF: Duration = Duration::from_millis(50);

/// The open connections. Dropping this closes them.
pub(super) struct Connections<C> {
    service: Answering<C>,
    limits: Limits,
    http2: auto::Builder<TokioExecutor>,
    draining: CancellationToken,
    open: JoinSet<()>,
}

impl<C: Calls> Connections<C> {
    /// Connections that answer with `service`, and finish their calls when `draining` is
    /// cancelled.
    pub(super) fn new(service: Answering<C>, limits: Limits, draining: CancellationToken) -> Self {
        Self {
            service,
            http2: http2::builder(&limits),
            limits,
            draining,
            open: JoinSet::new(),
        }
    }

    /// Accepts connections until `stop`, then closes the listener.
    pub(super) async fn accept(&mut self, listener: TcpListener, stop: impl Future) {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                _ = &mut stop => return,
                stream = accept(&listener) => self.admit(stream),
                Some(_) = self.open.join_next() => {}
            }
        }
    }

    /// Waits until none is open. Without a drain that may be never.
    pub(super) async fn closed(&mut self) {
        while self.open.join_next().await.is_some() {}
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    /// Closes the connection when there are too many: a client left waiting in the backlog would
    /// not know that it should go elsewhere.
    fn admit(&mut self, stream: TcpStream) {
        while self.open.try_join_next().is_some() {}
        if self.open.len() >= self.limits.max_connections {
            tracing::warn!("a connection was refused: too many are open");
            return;
        }
        // Small answers must not wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY: {error}");
        }
        let service = PerConnection {
            service: self.service.clone(),
            info: stream.connect_info(),
        };
        let draining = self.draining.clone();
        let stream = Connection::new(stream, self.limits.preface_timeout, draining.clone());
        let age = http2::jittered(self.limits.max_connection_age);
        self.open
            .spawn(converse(self.http2.clone(), stream, service, draining, age));
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection: {error}");
                sleep(BACK_OFF).await;
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}

/// Serves one connection until its client leaves; asks it to leave (GOAWAY) when it is old or the
/// server drains, and then waits for its open calls.
async fn converse<C: Calls>(
    http2: auto::Builder<TokioExecutor>,
    stream: Connection,
    service: PerConnection<C>,
    draining: CancellationToken,
    age: Duration,
) {
    let service = TowerToHyperService::new(service);
    let mut connection = pin!(http2.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = draining.cancelled() => None,
        () = sleep(age) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection ended badly: {error}");
    }
}

/// The service as one connection's calls see it.
struct PerConnection<C> {
    service: Answering<C>,
    /// What `tonic::Request::remote_addr` tells.
    info: TcpConnectInfo,
}

impl<C> Clone for PerConnection<C> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            info: self.info.clone(),
        }
    }
}

impl<C: Calls, B> Service<Request<B>> for PerConnection<C>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<StdError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <Answering<C> as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.info.clone());
        self.service.call(request)
    }
}
