//! The metrics of calls, with the names that dashboards of gRPC servers expect.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};
use tonic::Code;

use crate::metrics::{CALL_SECONDS_TAKEN, CALLS_HANDLED, CALLS_OPEN, CALLS_STARTED};

/// The codes by number, as the metrics of gRPC servers name them.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// The metrics of one method.
pub(super) struct MethodMetrics {
    started: Counter,
    open: Gauge,
    seconds: Histogram,
    handled: [Counter; CODES.len()],
}

impl MethodMetrics {
    /// `streams` are whether the client and the server stream.
    pub(super) fn new(service: &str, method: &str, streams: (bool, bool)) -> Self {
        let kind = match streams {
            (false, false) => "unary",
            (true, false) => "client_stream",
            (false, true) => "server_stream",
            (true, true) => "bidi_stream",
        };
        let labels = [kind, service, method];
        let handled = |code| CALLS_HANDLED.counter(&[kind, service, method, code]);
        Self {
            started: CALLS_STARTED.counter(&labels),
            open: CALLS_OPEN.gauge(&labels),
            seconds: CALL_SECONDS_TAKEN.histogram(&labels),
            handled: CODES.map(handled),
        }
    }

    pub(super) fn started(&self) {
        self.started.increment(1);
        self.open.increment(1.0);
    }

    pub(super) fn ended(&self, code: Code, elapsed: Duration) {
        self.open.decrement(1.0);
        self.seconds.record(elapsed.as_secs_f64());
        self.handled[code as usize].increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_name() {
        for (number, name) in (0..).zip(CODES) {
            let code = format!("{:?}", Code::from_i32(number));
            let expected = match &*code {
                "Ok" => "OK",
                "Cancelled" => "Canceled",
                other => other,
            };
            assert_eq!(name, expected);
        }
    }
}
