//! A load generator for calls whose messages differ: HTTP/2 frames by `h2`, messages encoded
//! beforehand, a fixed number of calls in flight.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::join_all;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use prost::Message;
use tokio::net::TcpStream;

/// The bytes a connection may receive ahead.
const WINDOW: u32 = 1 << 20;

/// What to call, and how.
pub(crate) struct Load<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) path: &'a str,
    /// The tenants, which calls take in turn.
    pub(crate) tenants: &'a [String],
    pub(crate) connections: usize,
    /// Calls in flight a connection.
    pub(crate) in_flight: usize,
    /// In which time all callers have begun, one after the other.
    pub(crate) ramp: Duration,
    /// No call starts later.
    pub(crate) time: Duration,
    /// The messages, each used once.
    pub(crate) messages: &'a [Bytes],
    /// Whether to start over when all messages are used.
    pub(crate) again: bool,
    /// Whether calls may be refused. Their callers wait as long as the answer says, as gRPC's clients
    /// do.
    pub(crate) refusals: bool,
}

/// The result. All calls ended with OK, or were refused with a pushback.
pub(crate) struct Done {
    pub(crate) calls: u64,
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Vec<Duration>,
    /// How long the answers of refused calls took.
    pub(crate) refusals: Vec<Duration>,
}

impl Done {
    pub(crate) fn per_second(&self) -> f64 {
        self.calls as f64 / self.elapsed.as_secs_f64()
    }
}

/// A message as gRPC frames it.
pub(crate) fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(5 + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).expect("a small message"));
    message.encode(&mut frame).expect("room enough");
    frame.freeze()
}

impl Load<'_> {
    /// Makes the calls.
    pub(crate) async fn run(&self) -> Done {
        let mut senders = Vec::new();
        for _ in 0..self.connections {
            let sender = connect(self.endpoint).await;
            senders.extend(std::iter::repeat_n(sender, self.in_flight));
        }
        let requests: Vec<_> = self.tenants.iter().map(|name| self.request(name)).collect();
        let next = Cell::new(0);
        let latencies = RefCell::new(Vec::with_capacity(self.messages.len()));
        let refusals = RefCell::new(Vec::new());
        let start = Instant::now();
        let begin = self.ramp / u32::try_from(senders.len().max(1)).expect("few callers");
        let workers = senders
            .into_iter()
            .zip(0..)
            .map(async |(mut sender, number)| {
                tokio::time::sleep(begin * number).await;
                while start.elapsed() < self.time
                    && let Some((at, message)) = self.take(&next)
                {
                    let request = requests[at % requests.len()].clone();
                    let sent = Instant::now();
                    let pushback;
                    (sender, pushback) = call(sender, request, message).await;
                    let Some(pushback) = pushback else {
                        latencies.borrow_mut().push(sent.elapsed());
                        continue;
                    };
                    assert!(self.refusals, "a call was refused");
                    refusals.borrow_mut().push(sent.elapsed());
                    let left = self.time.saturating_sub(start.elapsed());
                    tokio::time::sleep(pushback.min(left)).await;
                }
            });
        join_all(workers).await;
        let (elapsed, latencies) = (start.elapsed(), latencies.into_inner());
        Done {
            calls: latencies.len() as u64,
            elapsed,
            latencies,
            refusals: refusals.into_inner(),
        }
    }

    fn take(&self, next: &Cell<usize>) -> Option<(usize, Bytes)> {
        let at = next.replace(next.get() + 1);
        let index = match self.again {
            true => at % self.messages.len(),
            false => at,
        };
        Some((at, self.messages.get(index)?.clone()))
    }

    fn request(&self, tenant: &str) -> Request<()> {
        Request::post(format!("{}{}", self.endpoint, self.path))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("x-tenant", tenant)
            .body(())
            .expect("a request")
    }
}

async fn connect(endpoint: &str) -> SendRequest<Bytes> {
    let address = endpoint.trim_start_matches("http://");
    let socket = TcpStream::connect(address).await.expect("connects");
    socket.set_nodelay(true).expect("no delay");
    let (sender, connection) = h2::client::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .handshake(socket)
        .await
        .expect("shakes hands");
    tokio::spawn(connection);
    sender.ready().await.expect("ready")
}

/// Makes one call, which has to be answered OK or refused: then it returns after which time to try
/// again.
async fn call(
    sender: SendRequest<Bytes>,
    request: Request<()>,
    message: Bytes,
) -> (SendRequest<Bytes>, Option<Duration>) {
    let mut sender = sender.ready().await.expect("ready");
    let (response, mut stream) = sender.send_request(request, false).expect("sends");
    // It fails if the call was refused before.
    let _ = stream.send_data(message, true);
    let response = response.await.expect("a response");
    let (head, mut body) = response.into_parts();
    while let Some(data) = body.data().await {
        let length = data.expect("data").len();
        body.flow_control().release_capacity(length).expect("given");
    }
    let trailers = body.trailers().await.expect("trailers");
    let trailers = trailers.unwrap_or(head.headers);
    let pushback = number(&trailers, "grpc-retry-pushback-ms").map(Duration::from_millis);
    let is_ok = number(&trailers, "grpc-status") == Some(0);
    assert!(is_ok || pushback.is_some(), "a call failed: {trailers:?}");
    (sender, pushback)
}

fn number(trailers: &HeaderMap, name: &str) -> Option<u64> {
    trailers.get(name)?.to_str().ok()?.parse().ok()
}
