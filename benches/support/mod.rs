//! What the benchmarks share: a PostgreSQL with durable settings, the program in release mode,
//! medians, and a table.

#![expect(dead_code, reason = "each benchmark uses a part of it")]

pub(crate) mod figures;
pub(crate) mod load;
pub(crate) mod machine;
#[path = "../../tests/service/support/postgres.rs"]
#[expect(clippy::unwrap_used, reason = "shared with the tests")]
mod postgres;
#[path = "../../tests/service/support/program.rs"]
#[expect(clippy::unwrap_used, reason = "shared with the tests")]
mod program;
pub(crate) mod report;
pub(crate) mod service;
#[path = "../../tests/service/support/wait.rs"]
mod wait;

use std::time::Duration;

/// The median of several measurements.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Seconds of a duration, for ratios.
pub(crate) fn ratio(theirs: Duration, ours: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64()
}

/// A number from the environment.
pub(crate) fn setting<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}
