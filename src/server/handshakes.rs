//! TLS handshakes of new connections, which may be slow without others having to wait.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, sink},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use super::connection::DRAIN_GRACE;

/// The first bytes of a client that speaks HTTP/2 without TLS.
const PLAIN_PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// An empty SETTINGS frame.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// What a client without TLS gets, in a GOAWAY frame with the code INADEQUATE_SECURITY.
const NEEDS_TLS: &[u8] = b"this port speaks TLS only";

/// How long a client that is refused may take to read why.
const REFUSAL_GRACE: Duration = Duration::from_secs(1);

/// The handshakes that are not complete. If there are too many, the one that has taken longest is ended, so
/// that clients that never complete theirs do not keep others out.
pub(super) struct Handshakes {
    max: usize,
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    last: u64,
    /// In the order in which they began.
    tokens: BTreeMap<u64, CancellationToken>,
}

impl Handshakes {
    pub(super) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max: max.max(1),
            pending: Mutex::default(),
        })
    }

    /// Counts a handshake until it is dropped, and ends the oldest if there are too many.
    pub(super) fn begin(self: &Arc<Self>) -> Handshake {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.tokens.len() >= self.max
            && let Some((_, oldest)) = pending.tokens.pop_first()
        {
            oldest.cancel();
        }
        pending.last += 1;
        let (number, evicted) = (pending.last, CancellationToken::new());
        pending.tokens.insert(number, evicted.clone());
        Handshake {
            all: Arc::clone(self),
            number,
            evicted,
        }
    }
}

/// A handshake that is counted.
pub(super) struct Handshake {
    all: Arc<Handshakes>,
    number: u64,
    evicted: CancellationToken,
}

impl Drop for Handshake {
    fn drop(&mut self) {
        let mut pending = self.all.pending.lock();
        let pending = pending.as_mut().unwrap_or_else(|it| it.get_mut());
        pending.tokens.remove(&self.number);
    }
}

impl Handshake {
    /// Completes the handshake, unless that takes too long, also after `stop` is cancelled, or it is
    /// ended for newer ones.
    pub(super) async fn complete(
        self,
        stream: TcpStream,
        tls: Arc<ServerConfig>,
        limit: Duration,
        stop: &CancellationToken,
    ) -> io::Result<TlsStream<TcpStream>> {
        let stopped = async {
            stop.cancelled().await;
            sleep(DRAIN_GRACE).await;
        };
        let ended = |why| Err(io::Error::new(io::ErrorKind::TimedOut, why));
        tokio::select! {
            done = timeout(limit, accept(stream, tls)) => {
                done.unwrap_or_else(|_| ended("the client did not complete it in time"))
            }
            () = stopped => ended("the server stops"),
            () = self.evicted.cancelled() => ended("too many are incomplete"),
        }
    }
}

async fn accept(mut stream: TcpStream, tls: Arc<ServerConfig>) -> io::Result<TlsStream<TcpStream>> {
    let mut start = [0; PLAIN_PREFACE.len()];
    let length = stream.peek(&mut start).await?;
    if length > 0 && PLAIN_PREFACE.starts_with(&start[..length]) {
        stream.write_all(&plain_refusal()).await?;
        linger(stream).await;
        let reason = "the client does not use TLS";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    let accepted = TlsAcceptor::from(tls).accept(stream);
    match accepted.into_fallible().await {
        Ok(stream) => Ok(stream),
        Err((error, stream)) => {
            linger(stream).await;
            Err(error)
        }
    }
}

/// Says why in the protocol that the client speaks: gRPC clients show the text of a GOAWAY.
fn plain_refusal() -> Vec<u8> {
    let mut frames = SETTINGS.to_vec();
    let length = u32::try_from(8 + NEEDS_TLS.len()).unwrap_or_default();
    frames.extend_from_slice(&length.to_be_bytes()[1..]);
    // The type, no flags, no stream, and no last stream.
    frames.extend_from_slice(&[7, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    frames.extend_from_slice(&0xc_u32.to_be_bytes());
    frames.extend_from_slice(NEEDS_TLS);
    frames
}

/// Closes a connection so that the client can read what was sent: closing with unread bytes would reset
/// it.
async fn linger(mut stream: TcpStream) {
    let read = async {
        stream.shutdown().await?;
        copy(&mut stream.take(1 << 20), &mut sink()).await
    };
    // Who does not close in time has had the time to read.
    let _ = timeout(REFUSAL_GRACE, read).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let handshakes = Handshakes::new(2);
        let first = handshakes.begin();
        let second = handshakes.begin();
        let third = handshakes.begin();
        assert!(first.evicted.is_cancelled());
        assert!(!second.evicted.is_cancelled() && !third.evicted.is_cancelled());
        drop((first, second));
        let fourth = handshakes.begin();
        assert!(!third.evicted.is_cancelled());
        drop((third, fourth));
        assert!(
            handshakes
                .pending
                .lock()
                .expect("no panic")
                .tokens
                .is_empty()
        );
    }
}
