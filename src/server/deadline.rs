//! When a call ends: at the caller's deadline, at the cap of its method's class, or with the
//! server.

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use http::HeaderMap;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::authentication::Recheck;
use crate::api::status::{deadline_exceeded, shutting_down, unread};

/// The most by which a call ends before the caller's deadline; a tenth of it if that is less. On
/// a fast network the answer, which has details, then arrives before the caller's own timer
/// fires; tonic's clients report their own as CANCELLED.
const TIMER_MARGIN: Duration = Duration::from_millis(5);

/// When one call has to end.
pub(super) struct Deadline {
    pub(super) at: Option<Instant>,
    /// Cancelled when the server starts to drain.
    pub(super) draining: CancellationToken,
    /// Whether the call ends then, because it would never end by itself.
    pub(super) ends_with_drain: bool,
    /// Cancelled when the drain has timed out.
    pub(super) aborting: CancellationToken,
    /// How long the caller may leave an answer unread.
    pub(super) max_unread: Duration,
    /// Who may be refused while the call goes on.
    pub(super) recheck: Option<Recheck>,
}

/// Why a call has to end.
pub(super) enum EndReason {
    DeadlineExceeded,
    /// The caller would be refused now.
    Refused(Status),
    /// The caller does not read.
    Unread,
    /// The caller does not read, and the server drains.
    UnreadInDrain,
    /// The drain has timed out.
    Aborted,
    /// The server drains. The call ends when it has nothing to send, so that the last health
    /// status still arrives.
    Draining,
}

impl EndReason {
    pub(super) fn into_status(self) -> Status {
        match self {
            Self::DeadlineExceeded => deadline_exceeded(),
            Self::Refused(status) => status,
            Self::Unread => unread(),
            Self::UnreadInDrain | Self::Aborted | Self::Draining => shutting_down(),
        }
    }
}

impl Deadline {
    pub(super) fn has_passed(&self) -> bool {
        self.at.is_some_and(|at| Instant::now() >= at)
    }

    /// Waits until the call has to end.
    pub(super) async fn ended(&self) -> EndReason {
        let draining = async {
            match self.ends_with_drain {
                true => self.draining.cancelled().await,
                false => pending().await,
            }
        };
        let refused = async {
            match &self.recheck {
                Some(recheck) => recheck.refused().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.passes() => EndReason::DeadlineExceeded,
            status = refused => EndReason::Refused(status),
            () = self.aborting.cancelled() => EndReason::Aborted,
            () = draining => EndReason::Draining,
        }
    }

    async fn passes(&self) {
        let Some(at) = self.at else {
            return pending().await;
        };
        let mut timer = pin!(sleep_until(at));
        // Reads the clock too: a task that has used up its budget does not see its timer fire.
        poll_fn(|cx| match self.has_passed() {
            true => Poll::Ready(()),
            false => timer.as_mut().poll(cx),
        })
        .await;
    }
}

/// The time that the caller gives the call, less the margin. A malformed value counts as none, as
/// in tonic.
pub(super) fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let time = parse_timeout(headers.get("grpc-timeout")?.to_str().ok()?)?;
    Some(time - TIMER_MARGIN.min(time / 10))
}

fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    // At most 8 digits by the specification, so nothing below overflows.
    if digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_grpc_timeout_is_read() {
        for (text, time) in [
            ("3H", Duration::from_secs(10_800)),
            ("2M", Duration::from_secs(120)),
            ("42S", Duration::from_secs(42)),
            ("13m", Duration::from_millis(13)),
            ("7u", Duration::from_micros(7)),
            ("0n", Duration::ZERO),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ] {
            assert_eq!(parse_timeout(text), Some(time), "{text}");
        }
    }

    #[test]
    fn a_malformed_grpc_timeout_counts_as_absent() {
        for text in [
            "",
            "S",
            "5",
            "-1S",
            "+1S",
            "1.5S",
            "123456789n",
            "10 S",
            "1x",
            "1é",
        ] {
            assert_eq!(parse_timeout(text), None, "{text}");
        }
        assert_eq!(grpc_timeout(&HeaderMap::new()), None);
    }

    #[test]
    fn a_call_ends_a_little_before_the_callers_deadline() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", "20m".parse().expect("a header value"));
        assert_eq!(grpc_timeout(&headers), Some(Duration::from_millis(18)));
        headers.insert("grpc-timeout", "1S".parse().expect("a header value"));
        assert_eq!(grpc_timeout(&headers), Some(Duration::from_millis(995)));
    }
}
