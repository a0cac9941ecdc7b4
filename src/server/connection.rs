//! The stream of a client, with TLS or without, that fails if the client does not send the HTTP/2 preface in time,
//! or reads nothing for too long.
//!
//! hyper waits for the preface without limit, and a drain waits for hyper: one client that connects
//! and sends nothing would keep its place, and delay the shutdown, without limit
//! (<https://github.com/hyperium/hyper/issues/4170>). HTTP/2 finds such a client by pings, and
//! HTTP/1.1 does not.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep, timeout},
};
use tokio_rustls::server::TlsStream;
use tokio_util::{either::Either, sync::CancellationToken};

/// The length of `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`.
const PREFACE_LENGTH: usize = 24;

/// How long the handshake and the preface of a new connection may take when the server drains.
pub(super) const DRAIN_GRACE: Duration = Duration::from_secs(1);

pub(super) struct ClientStream {
    stream: Either<TcpStream, Box<TlsStream<TcpStream>>>,
    /// `None` once the preface is complete.
    preface: Option<Preface>,
    /// How long the client may read nothing, if that is bounded.
    max_unread: Option<Duration>,
    /// Completes then; `None` while the client reads.
    unread: Option<Pin<Box<Sleep>>>,
}

struct Preface {
    received: usize,
    /// Completes at the timeout, or soon after the server begins to drain.
    overdue: BoxFuture<'static, ()>,
}

impl ClientStream {
    pub(super) fn new(
        stream: Either<TcpStream, Box<TlsStream<TcpStream>>>,
        preface_timeout: Duration,
        max_unread: Option<Duration>,
        draining: CancellationToken,
    ) -> Self {
        let overdue = Box::pin(async move {
            // In both cases the wait is over.
            let _ = timeout(preface_timeout, draining.cancelled()).await;
            // The preface may be on its way.
            if draining.is_cancelled() {
                sleep(DRAIN_GRACE).await;
            }
        });
        Self {
            stream,
            preface: Some(Preface {
                received: 0,
                overdue,
            }),
            max_unread,
            unread: None,
        }
    }

    /// The outcome of a write, or an error if the client reads nothing for too long.
    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.unread = None;
            return written;
        }
        let Some(max) = self.max_unread else {
            return written;
        };
        let unread = self.unread.get_or_insert_with(|| Box::pin(sleep(max)));
        unread.as_mut().poll(cx).map(|()| {
            let reason = "the client does not read";
            Err(io::Error::new(io::ErrorKind::TimedOut, reason))
        })
    }
}

impl Preface {
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let overdue = || Err(io::Error::new(io::ErrorKind::TimedOut, "no HTTP/2 preface"));
        self.overdue.as_mut().poll(cx).map(|()| overdue())
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if let Some(preface) = &mut this.preface {
            preface.received += buf.filled().len() - before;
            if preface.received >= PREFACE_LENGTH {
                this.preface = None;
            } else if read.is_pending() {
                return preface.poll_overdue(cx);
            }
        }
        read
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
