//! Accepts connections and serves each in its own task. Limits their count and age, and backs off
//! when accepting fails.
//!
//! Replaces tonic's own loop, which puts a timer around every call that answers CANCELLED at the
//! caller's deadline and that no layer can reach. A timer inside it that fired up to 5 ms earlier
//! still lost on a busy machine: at least 4 of 1,800 calls with deadlines of 20 to 50 ms.

use std::{
    convert::Infallible,
    future::Future,
    io,
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
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
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
    calls::CallService,
    connection::ClientStream,
    handshakes::{Handshake, Handshakes},
    http2,
    limits::Limits,
    listener::Listener,
    log,
    tls::{PeerCertificates, ServerTls, TlsFiles},
};
use crate::{
    metrics::{CONNECTIONS, CONNECTIONS_LIMIT},
    reload::Reloaded,
    telemetry,
};

/// The pause after a failed accept, e.g. because no file descriptor is free: those come back when
/// connections close, not by trying again at once.
const ACCEPT_ERROR_DELAY: Duration = Duration::from_millis(50);

/// How long a client may take to answer the ping after GOAWAY.
const GOAWAY_GRACE: Duration = Duration::from_secs(1);

/// How long the end of the last call may take to reach its client.
const FLUSH_GRACE: Duration = Duration::from_millis(250);

/// The open connections. Dropping this closes them.
pub(super) struct Connections {
    service: CallService,
    limits: Limits,
    http2: auto::Builder<TokioExecutor>,
    draining: CancellationToken,
    open: JoinSet<()>,
    measured: Gauge,
    handshakes: Arc<Handshakes>,
}

impl Connections {
    /// The calls of these connections are handled by `service`; when `draining` is cancelled,
    /// connections close after their open calls.
    pub(super) fn new(service: CallService, limits: Limits, draining: CancellationToken) -> Self {
        CONNECTIONS_LIMIT
            .gauge(&[])
            .set(limits.max_connections as f64);
        Self {
            service,
            http2: http2::builder(&limits),
            draining,
            open: JoinSet::new(),
            measured: CONNECTIONS.gauge(&[]),
            handshakes: Handshakes::new(limits.max_connections / 2),
            limits,
        }
    }

    /// Accepts connections until `stop`, then closes the listener.
    pub(super) async fn accept(&mut self, listener: Listener, stop: impl Future) {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                _ = &mut stop => return self.accept_waiting(listener),
                stream = accept(&listener.tcp) => self.admit(stream, listener.tls.as_deref()),
                Some(_) = self.open.join_next() => self.measured.set(self.open.len() as f64),
            }
        }
    }

    /// Accepts the connections that wait in the backlog, and closes the listener: the system would
    /// reset them, though their clients have sent calls already.
    fn accept_waiting(&mut self, listener: Listener) {
        // Without tokio, which may not know of the last ones yet.
        let Ok(tcp) = listener.tcp.into_std() else {
            return;
        };
        while let Ok((stream, _)) = tcp.accept() {
            let stream = stream.set_nonblocking(true).map(|()| stream);
            if let Ok(stream) = stream.and_then(TcpStream::from_std) {
                self.admit(stream, listener.tls.as_deref());
            }
        }
    }

    /// Waits until no connection is open. Without a drain, this may take for ever.
    pub(super) async fn closed(&mut self) {
        while self.open.join_next().await.is_some() {}
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    /// Closes the connection when there are too many: a client left waiting in the backlog would
    /// not learn that it should try another server.
    fn admit(&mut self, stream: TcpStream, tls: Option<&Reloaded<TlsFiles>>) {
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
            http2: self.http2.clone(),
            service: ConnectionService {
                service: self.service.clone(),
                info: stream.connect_info(),
                peer: None,
                open: TaskTracker::new(),
            },
            draining: self.draining.clone(),
            age: http2::jittered(self.limits.max_connection_age),
            preface_timeout: self.limits.preface_timeout,
        };
        match tls {
            None => self.open.spawn(connection.serve(Either::Left(stream))),
            Some(tls) => {
                let handshake = self.handshakes.begin();
                let tls = tls.current();
                self.open
                    .spawn(connection.serve_tls(stream, tls, handshake))
            }
        };
        self.measured.set(self.open.len() as f64);
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                if let Some(due) = telemetry::due_line("cannot accept a connection", 0) {
                    let left_out = due.left_out;
                    tracing::warn!(%error, left_out, "cannot accept a connection: {error}");
                }
                sleep(ACCEPT_ERROR_DELAY).await;
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

/// What a connection needs besides its stream.
struct AcceptedConnection {
    http2: auto::Builder<TokioExecutor>,
    service: ConnectionService,
    draining: CancellationToken,
    age: Duration,
    preface_timeout: Duration,
}

impl AcceptedConnection {
    /// Completes the handshake and serves the connection.
    async fn serve_tls(mut self, stream: TcpStream, tls: Arc<ServerTls>, handshake: Handshake) {
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
        let stream = ClientStream::new(stream, self.preface_timeout, self.draining.clone());
        let (draining, open) = (self.draining, self.service.open.clone());
        let service = TowerToHyperService::new(self.service);
        let mut connection = pin!(self.http2.serve_connection(TokioIo::new(stream), service));
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
struct ConnectionService {
    service: CallService,
    /// What `tonic::Request::remote_addr` returns.
    info: TcpConnectInfo,
    peer: Option<PeerCertificates>,
    open: TaskTracker,
}

impl<B> Service<Request<B>> for ConnectionService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<StdError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <CallService as Service<Request<Body>>>::Future;

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
