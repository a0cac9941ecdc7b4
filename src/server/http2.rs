//! The settings of connections: HTTP/2, and HTTP/1.1 for browsers and curl.

use std::time::Duration;

use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};

use super::limits::Limits;

/// How much of a call's messages waits unread before the sender has to.
const STREAM_WINDOW: u32 = 256 << 10;

/// The fewest calls that a connection's window is meant for.
const MIN_WINDOWS: u32 = 64;

/// The most bytes of the head of a request of HTTP/1.1, which has the message of a GET.
const MAX_HEAD: usize = 64 << 10;

/// HTTP/2 with its limits, and HTTP/1.1 with the same.
pub(super) fn with_http1(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = builder(limits);
    builder
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(MAX_HEAD)
        // Also how long a connection may be without a request.
        .header_read_timeout(limits.keepalive_interval);
    builder
}

/// HTTP/2 with its limits.
pub(super) fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_concurrent_streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(connection_window(limits.max_concurrent_streams))
        // Resets that the peer's errors make us send (RUSTSEC-2024-0003).
        .max_local_error_reset_streams(1024)
        // Rapid reset (CVE-2023-44487): streams reset before they were accepted. All calls of a
        // connection may be, when their deadlines are short and the server is busy.
        .max_pending_accept_reset_streams(limits.max_concurrent_streams as usize)
        // Finds half-open connections, and so the streams they hold.
        .keep_alive_interval(limits.keepalive_interval)
        .keep_alive_timeout(limits.keepalive_timeout);
    builder
}

/// The window of a connection: all calls can fill theirs, so that an upload that waits for the database
/// holds up no other call.
///
/// h2 closes a connection when small frames that were not read yet "cost" more than half of this
/// window; a frame of `n` bytes costs `256 - n`. A window of 16-byte messages, the shortest that an
/// import can have, costs 15 times its size. So [`MIN_WINDOWS`] windows are enough for two uploads of
/// such messages that wait, and those of 256 calls for eight.
fn connection_window(max_concurrent_streams: u32) -> u32 {
    const MAX: u32 = i32::MAX as u32;
    let streams = max_concurrent_streams.max(MIN_WINDOWS);
    streams.saturating_mul(STREAM_WINDOW).min(MAX)
}

/// `age` plus or minus up to a sixth, so that connections opened together, as after a restart,
/// do not close together.
pub(super) fn jittered(age: Duration) -> Duration {
    age.mul_f64(5.0 / 6.0 + fastrand::f64() / 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_room_for_all_its_calls() {
        assert_eq!(connection_window(1), MIN_WINDOWS * STREAM_WINDOW);
        assert_eq!(connection_window(256), 256 * STREAM_WINDOW);
        // The largest window of HTTP/2.
        assert_eq!(connection_window(u32::MAX), i32::MAX as u32);
    }

    #[test]
    fn the_age_differs_by_a_sixth_at_most() {
        let minutes = |m: u64| Duration::from_secs(m * 60);
        let ages: Vec<_> = (0..100).map(|_| jittered(minutes(30))).collect();
        assert!(
            ages.iter()
                .all(|age| (minutes(25)..=minutes(35)).contains(age)),
            "{ages:?}"
        );
        assert!(ages.iter().any(|age| *age != ages[0]));
    }
}
