//! Accepts connections and serves each in its own task. Limits their count and age, and backs off
//! when accepting fails.
//!
//! Replaces tonic's own loop, which puts a timer around every call that answers CANCELLED at the
//! caller's deadline and that no layer can reach. A timer inside it that fired up to 5 ms earlier
//! still lost on a busy machine: at least 4 of 1,800 calls with deadlines of 20 to 50 ms.

use std::{
    convert::Infallible,
    future::Future,
    pin::pin,
    sync::Arc,
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
use metrics::Gauge;
use rustls::ServerConfig;
use tokio::{net::TcpStream, task::JoinSet, time::sleep};
use tokio_rustls::server::TlsStream;
use tokio_util::{either::Either, sync::CancellationToken, task::TaskTracker};
use tonic::{
    body::Body,
    codegen::StdError,
    transport::server::{Connected, TcpConnectInfo},
};
use tower::Service;

use super::{
    body::OpenCall,
    connection::ClientStream,
    handshakes::{Handshake, Handshakes},
    http2,
    limits::Limits,
    log,
    port::{self, HttpService, Port, Speaks},
    tls::PeerCertificates,
};
use crate::{
    metrics::{CONNECTIONS, CONNECTIONS_LIMIT},
    telemetry,
};

/// How long a client may take to answer the ping after GOAWAY.
const GOAWAY_GRACE: Duration = Duration::from_secs(1);

/// How long the end of the last call may take to reach its client.
const FLUSH_GRACE: Duration = Duration::from_millis(250);

/// The open connections. Dropping this closes them.
pub(super) struct Connections {
    limits: Limits,
    draining: CancellationToken,
    open: JoinSet<()>,
    measured: Gauge,
    handshakes: Arc<Handshakes>,
}

impl Connections {
    /// When `draining` is cancelled, connections close after their open calls.
    pub(super) fn new(limits: Limits, draining: CancellationToken) -> Self {
        CONNECTIONS_LIMIT
            .gauge(&[])
            .set(limits.max_connections as f64);
        Self {
            draining,
            open: JoinSet::new(),
            measured: CONNECTIONS.gauge(&[]),
            handshakes: Handshakes::new(limits.max_connections / 2),
            limits,
        }
    }

    /// Accepts connections until `stop`, then closes the ports.
    pub(super) async fn accept<G: HttpService, W: HttpService>(
        &mut self,
        grpc: Port<G>,
        web: Option<Port<W>>,
        stop: impl Future,
    ) {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                _ = &mut stop => {
                    self.accept_waiting(grpc);
                    if let Some(web) = web {
                        self.accept_waiting(web);
                    }
                    return;
                }
                stream = grpc.accept() => self.admit(stream, &grpc.speaks),
                (stream, speaks) = port::accept(web.as_ref()) => self.admit(stream, speaks),
                Some(_) = self.open.join_next() => self.measured.set(self.open.len() as f64),
            }
        }
    }

    /// Accepts the connections that wait in the backlog, and closes the port: the system would
    /// reset them, though their clients have sent calls already.
    fn accept_waiting<S: HttpService>(&mut self, port: Port<S>) {
        let (waiting, speaks) = port.close();
        for stream in waiting {
            self.admit(stream, &speaks);
        }
    }

    /// Waits until no connection is open. Without a drain, this has no limit.
    pub(super) async fn closed(&mut self) {
        while self.open.join_next().await.is_some() {}
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    /// Closes the connection when there are too many: a client left waiting in the backlog would
    /// not learn that it should try another server.
    fn admit<S: HttpService>(&mut self, stream: TcpStream, speaks: &Speaks<S>) {
        while self.open.try_join_next().is_some() {}
        if self.open.len() >= self.limits.max_connections {
            if let Some(due) = telemetry::due_line("a connection was refused", 0) {
                let left_out = due.left_out;
                tracing::warn!(left_out, "a connection was refused: too many are open");
            }
            return;
        }
        // A small answer must not wait until the previous one is acknowledged.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY: {error}");
        }
        let connection = AcceptedConnection {
            http: speaks.http.clone(),
            service: ConnectionService {
                service: speaks.service.clone(),
                info: stream.connect_info(),
                peer: None,
                open: TaskTracker::new(),
            },
            draining: self.draining.clone(),
            age: http2::jittered(self.limits.max_connection_age),
            preface_timeout: self.limits.preface_timeout,
            max_unread: speaks.max_unread,
        };
        match speaks.tls() {
            None => self.open.spawn(connection.serve(Either::Left(stream))),
            Some(tls) => {
                let handshake = self.handshakes.begin();
                self.open
                    .spawn(connection.serve_tls(stream, tls, handshake))
            }
        };
        self.measured.set(self.open.len() as f64);
    }
}

/// What a connection needs besides its stream.
struct AcceptedConnection<S> {
    http: auto::Builder<TokioExecutor>,
    service: ConnectionService<S>,
    draining: CancellationToken,
    age: Duration,
    preface_timeout: Duration,
    max_unread: Option<Duration>,
}

impl<S: HttpService> AcceptedConnection<S> {
    /// Completes the handshake and serves the connection.
    async fn serve_tls(mut self, stream: TcpStream, tls: Arc<ServerConfig>, handshake: Handshake) {
        let handshake = handshake.complete(stream, tls, self.preface_timeout, &self.draining);
        // Boxed, because it is large and short-lived.
        match Box::pin(handshake).await {
            Ok(stream) => {
                self.service.peer = PeerCertificates::of(&stream);
                self.serve(Either::Right(Box::new(stream))).await;
            }
            Err(error) => log::failed_handshake(&error),
        }
    }

    /// Serves the connection until its client closes it. Sends GOAWAY when it is old or the server
    /// drains, and then waits for its open calls.
    async fn serve(self, stream: Either<TcpStream, Box<TlsStream<TcpStream>>>) {
        let stream = ClientStream::new(
            stream,
            self.preface_timeout,
            self.max_unread,
            self.draining.clone(),
        );
        let (draining, open) = (self.draining, self.service.open.clone());
        let service = TowerToHyperService::new(self.service);
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = draining.cancelled() => None,
            () = sleep(self.age) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = unused(&draining, &open) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection failed: {error}");
        }
    }
}

/// Waits until the server drains and the connection has no open calls. A client that does not answer
/// the ping after GOAWAY would keep its connection open otherwise.
async fn unused(draining: &CancellationToken, open: &TaskTracker) {
    draining.cancelled().await;
    sleep(GOAWAY_GRACE).await;
    open.close();
    loop {
        open.wait().await;
        sleep(FLUSH_GRACE).await;
        if open.is_empty() {
            return;
        }
    }
}

/// The service for the calls of one connection.
#[derive(Clone)]
struct ConnectionService<S> {
    service: S,
    /// What `tonic::Request::remote_addr` returns.
    info: TcpConnectInfo,
    peer: Option<PeerCertificates>,
    open: TaskTracker,
}

impl<B, S> Service<Request<B>> for ConnectionService<S>
where
    S: HttpService,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<StdError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.info.clone());
        if let Some(peer) = &self.peer {
            request.extensions_mut().insert(peer.clone());
        }
        let open: OpenCall = Arc::new(self.open.token());
        request.extensions_mut().insert(open);
        self.service.call(request)
    }
}
