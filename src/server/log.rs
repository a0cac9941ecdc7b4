//! One span per call, and one log line when it has ended: for a stream when its last frame is
//! out, not when its headers are.
//!
//! Levels: faults of the service (INTERNAL, UNKNOWN, DATA_LOSS) are errors, UNAVAILABLE is a
//! warning, every other failure is info, and success is debug. Under overload a line a second stands for all of the same method and code, and
//! says how many were left out before it. Never a message's content, nor metadata other than the request id and the
//! tenant. With an access log every call has a line of its own besides.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use metrics::Counter;
use tokio::time::Instant;
use tonic::Code;
use tracing::{Span, debug, error, info, warn};

use super::{
    errors::code_in,
    methods::KnownMethod,
    tenant_metrics::{self, valid_name},
    trace,
};
use crate::{
    api::request_id, metrics::LOG_LINES_LEFT_OUT, model::grpc_code_name, telemetry::ACCESS,
};

/// The time that one line stands for.
const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// The last lines of all calls.
static LINES: LazyLock<Mutex<LogLines>> = LazyLock::new(Mutex::default);

static LEFT_OUT: LazyLock<Counter> = LazyLock::new(|| LOG_LINES_LEFT_OUT.counter(&[]));

/// When the last line of each method and code was written, and how many were left out since.
#[derive(Default)]
struct LogLines(HashMap<(Box<str>, i32), (Instant, u64)>);

impl LogLines {
    /// Whether a line is due, and then how many were left out before it.
    fn is_due(&mut self, method: &str, code: Code, now: Instant) -> Option<u64> {
        let key = (Box::from(method), code as i32);
        let Some((last, left_out)) = self.0.get_mut(&key) else {
            self.0.insert(key, (now, 0));
            return Some(0);
        };
        if now.duration_since(*last) < LINE_INTERVAL {
            *left_out += 1;
            return None;
        }
        *last = now;
        Some(std::mem::take(left_out))
    }
}

/// Logs the end of one call, once; dropped before, the caller has cancelled it.
pub(super) struct CallLog {
    span: Span,
    /// The call in traces.
    trace: Span,
    method: Arc<KnownMethod>,
    tenant: Arc<str>,
    started: Instant,
    ended: bool,
}

impl CallLog {
    pub(super) fn start(method: &Arc<KnownMethod>, tenant: &Arc<str>, headers: &HeaderMap) -> Self {
        method.metrics.started();
        Self {
            span: span(&method.name),
            trace: trace::span(&method.name, tenant, headers),
            method: Arc::clone(method),
            tenant: Arc::clone(tenant),
            started: Instant::now(),
            ended: false,
        }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    pub(super) fn trace(&self) -> &Span {
        &self.trace
    }

    /// Ends the call if `frame` has its status.
    pub(super) fn observe(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        if let Some(code) = frame.trailers_ref().and_then(code_in) {
            self.end(code);
        }
        frame
    }

    pub(super) fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let elapsed = self.started.elapsed();
        self.method.metrics.ended(code, elapsed);
        if self.method.is_of_service() {
            tenant_metrics::count(&self.tenant, code);
        }
        trace::end(&self.trace, code);
        let _entered = self.span.enter();
        let is_due = || {
            let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
            let due = lines.is_due(&self.method.name, code, Instant::now());
            if due.is_none() {
                LEFT_OUT.increment(1);
            }
            due
        };
        let status = grpc_code_name(code as i32);
        let elapsed_ms = elapsed.as_micros() as f64 / 1e3;
        macro_rules! line {
            ($level:ident, $left_out:expr) => {
                $level!(
                    rpc.response.status_code = status,
                    tenant = valid_name(&self.tenant),
                    elapsed_ms,
                    left_out = $left_out,
                    "call ended: {status}"
                )
            };
            ($level:ident) => {
                if let Some(left_out) = is_due() {
                    line!($level, (left_out > 0).then_some(left_out))
                }
            };
        }
        match code {
            Code::Internal | Code::Unknown | Code::DataLoss => line!(error),
            Code::Unavailable => line!(warn),
            // A caller that goes away is no failure.
            Code::Ok | Code::Cancelled => line!(debug, None::<u64>),
            _ => line!(info),
        }
        info!(
            target: ACCESS,
            { rpc.response.status_code = status, tenant = valid_name(&self.tenant), elapsed_ms },
            "call: {status}"
        );
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// Logs a TLS handshake that failed. What the client is refused for is in the log only: TLS tells it no
/// more than a number.
pub(super) fn failed_handshake(error: &std::io::Error) {
    let kind = format!("TLS handshake: {}", error.kind());
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(left_out) = lines.is_due(&kind, Code::Unauthenticated, Instant::now()) {
        let left_out = (left_out > 0).then_some(left_out);
        info!(%error, left_out, "a TLS handshake failed: {error}");
    }
}

/// The span has level error so that it names the call in every event that the filter lets
/// through. Every call pays for its fields, logged or not: there are few, and none is quoted.
fn span(method: &str) -> Span {
    tracing::error_span!(
        "call",
        rpc.method = %method,
        request_id = request_id::current().map(tracing::field::display),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_stands_for_all() {
        let (mut lines, start) = (LogLines::default(), Instant::now());
        let mut is_due = |method, code, milliseconds| {
            lines.is_due(method, code, start + Duration::from_millis(milliseconds))
        };
        assert_eq!(is_due("a", Code::Unavailable, 0), Some(0));
        for milliseconds in 1..1_000 {
            assert_eq!(is_due("a", Code::Unavailable, milliseconds), None);
        }
        assert_eq!(is_due("a", Code::Internal, 5), Some(0), "another code");
        assert_eq!(is_due("b", Code::Unavailable, 5), Some(0), "another method");
        assert_eq!(is_due("a", Code::Unavailable, 1_000), Some(999));
        assert_eq!(is_due("a", Code::Unavailable, 2_000), Some(0));
    }
}
