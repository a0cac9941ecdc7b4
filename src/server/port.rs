//! A port, and what is spoken there.

use std::{
    convert::Infallible,
    future::{Future, pending},
    io,
    sync::Arc,
    time::Duration,
};

use http::{Request, Response};
use hyper_util::{rt::TokioExecutor, server::conn::auto};
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tonic::body::Body;
use tower::Service;

use super::{
    http2,
    limits::Limits,
    listener::Listener,
    tls::{ServerTls, TlsFiles},
};
use crate::{reload::Reloaded, telemetry};

/// The pause after a failed accept, e.g. because no file descriptor is free: those come back when
/// connections close, not by trying again at once.
const ACCEPT_ERROR_DELAY: Duration = Duration::from_millis(50);

/// What answers the requests of a connection.
pub(super) trait HttpService:
    Service<
        Request<Body>,
        Response = Response<Body>,
        Error = Infallible,
        Future: Future + Send + 'static,
    > + Clone
    + Send
    + 'static
{
}

impl<S> HttpService for S
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
}

/// A port.
pub(super) struct Port<S> {
    tcp: TcpListener,
    pub(super) speaks: Speaks<S>,
}

/// What is spoken at a port.
pub(super) struct Speaks<S> {
    pub(super) http: auto::Builder<TokioExecutor>,
    pub(super) service: S,
    /// After which time a connection is closed whose client does not read.
    pub(super) max_unread: Option<Duration>,
    tls: Option<Arc<Reloaded<TlsFiles>>>,
    /// The settings of TLS that name the versions of HTTP.
    config: fn(&ServerTls) -> &Arc<ServerConfig>,
}

impl<S> Port<S> {
    /// HTTP/2 only.
    pub(super) fn grpc(listener: Listener, limits: &Limits, service: S) -> Self {
        let http = http2::builder(limits).http2_only();
        Self::new(listener, http, service, None, |tls| &tls.config)
    }

    /// HTTP/1.1 and HTTP/2.
    pub(super) fn web(listener: Listener, limits: &Limits, service: S) -> Self {
        let http = http2::with_http1(limits);
        let max_unread = Some(limits.unread_timeout);
        Self::new(listener, http, service, max_unread, |tls| &tls.web_config)
    }

    fn new(
        listener: Listener,
        http: auto::Builder<TokioExecutor>,
        service: S,
        max_unread: Option<Duration>,
        config: fn(&ServerTls) -> &Arc<ServerConfig>,
    ) -> Self {
        let speaks = Speaks {
            http,
            service,
            max_unread,
            tls: listener.tls,
            config,
        };
        Self {
            tcp: listener.tcp,
            speaks,
        }
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> TcpStream {
        loop {
            match self.tcp.accept().await {
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

    /// Closes the port; returns the connections that were not accepted yet.
    pub(super) fn close(self) -> (Vec<TcpStream>, Speaks<S>) {
        let mut waiting = Vec::new();
        // Without tokio, which may not know of the last ones yet.
        if let Ok(tcp) = self.tcp.into_std() {
            while let Ok((stream, _)) = tcp.accept() {
                let stream = stream.set_nonblocking(true).map(|()| stream);
                waiting.extend(stream.and_then(TcpStream::from_std));
            }
        }
        (waiting, self.speaks)
    }
}

impl<S> Speaks<S> {
    /// TLS of connections that are accepted now.
    pub(super) fn tls(&self) -> Option<Arc<ServerConfig>> {
        let tls = self.tls.as_ref()?.current();
        Some(Arc::clone((self.config)(&tls)))
    }
}

/// The next connection at a port that may not be open.
pub(super) async fn accept<S>(port: Option<&Port<S>>) -> (TcpStream, &Speaks<S>) {
    match port {
        Some(port) => (port.accept().await, &port.speaks),
        None => pending().await,
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}
