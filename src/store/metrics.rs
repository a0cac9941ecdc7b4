//! What the store measures.

use std::time::Duration;

use metrics::{Counter, Histogram};

use super::Store;
use crate::metrics::{
    DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_LIMIT, DATABASE_WAIT_SECONDS, DATABASE_WAITING,
    DATABASE_WAITS_FAILED, at_reading,
};

/// The waits for connections.
#[derive(Clone)]
pub(super) struct WaitMetrics {
    seconds: Histogram,
    timeouts: Counter,
    errors: Counter,
}

/// How a wait for a connection ended.
#[derive(Clone, Copy)]
pub(super) enum WaitEnd {
    Connected,
    Failed,
    TimedOut,
}

impl WaitMetrics {
    pub(super) fn new() -> Self {
        Self {
            seconds: DATABASE_WAIT_SECONDS.histogram(&[]),
            timeouts: DATABASE_WAITS_FAILED.counter(&["timeout"]),
            errors: DATABASE_WAITS_FAILED.counter(&["error"]),
        }
    }

    pub(super) fn ended(&self, end: WaitEnd, elapsed: Duration) {
        match end {
            WaitEnd::Connected => self.seconds.record(elapsed.as_secs_f64()),
            WaitEnd::Failed => self.errors.increment(1),
            WaitEnd::TimedOut => self.timeouts.increment(1),
        }
    }
}

impl Store {
    /// Shows in the metrics what is used of the pool.
    pub(crate) fn measure(&self) {
        let pool = self.pool.clone();
        DATABASE_CONNECTIONS_LIMIT
            .gauge(&[])
            .set(pool.size() as f64);
        let gauges = [
            DATABASE_CONNECTIONS.gauge(&["idle"]),
            DATABASE_CONNECTIONS.gauge(&["used"]),
            DATABASE_WAITING.gauge(&[]),
        ];
        at_reading(move || {
            for (gauge, value) in gauges.iter().zip(pool.usage()) {
                gauge.set(value as f64);
            }
        });
    }
}
