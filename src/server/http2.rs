//! The HTTP/2 settings of connections.

use std::time::Duration;

use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};

use super::limits::Limits;

/// The protocol with its limits.
///
/// Not set: the flow-control windows. hyper's 1 MiB for a stream and for a connection bound what
/// one connection can make us buffer; a larger stream window alone would change nothing.
pub(super) fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_concurrent_streams)
        // Resets that the peer's errors make us send (RUSTSEC-2024-0003).
        .max_local_error_reset_streams(1024)
        // Rapid reset (CVE-2023-44487): streams reset before they were accepted.
        .max_pending_accept_reset_streams(20)
        // Finds half-open connections, and so the streams they hold.
        .keep_alive_interval(limits.keepalive_interval)
        .keep_alive_timeout(limits.keepalive_timeout);
    builder
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
