//! How long to wait before a broken stream is resumed, and when to give up.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::{
    client::{error::Error, terminal},
    duration,
};

/// Waits double from 0.1 s to 2.5 s. The jitter adds up to as much again, so that many clients do
/// not return at once.
const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(Duration::from_millis(2_500))
    .with_jitter()
    .without_max_times();

/// The flag that limits retries.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RetryArgs {
    /// How long to keep trying to resume without progress, from the first failure; 0 never resumes
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    retry_for: Duration,
}

impl RetryArgs {
    pub(super) fn retry(&self) -> Retry {
        Retry::new(self.retry_for)
    }
}

/// Exponential backoff, limited by the time without progress. That time begins with a failure: a
/// stream can be open for long without progress, as heartbeats are none.
pub(super) struct Retry {
    limit: Duration,
    /// The first failure since the last progress.
    failing_since: Option<Instant>,
    backoff: ExponentialBackoff,
}

impl Retry {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            failing_since: None,
            backoff: BACKOFF.build(),
        }
    }

    /// Fails at once.
    pub(super) fn never() -> Self {
        Self::new(Duration::ZERO)
    }

    /// Whether a broken stream is resumed at all.
    pub(super) fn resumes(&self) -> bool {
        !self.limit.is_zero()
    }

    /// Starts over after progress.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.limit);
    }

    /// Waits before the next attempt, at least as long as the service's `RetryInfo` says. Fails
    /// with `cause` if it is permanent or the limit would be exceeded. `position` says what has
    /// been read so far.
    pub(super) async fn wait(&mut self, cause: Error, position: &str) -> Result<(), Error> {
        if !cause.is_transient() || !self.resumes() {
            return Err(cause);
        }
        let delay = self.backoff.next().unwrap_or_default();
        let delay = delay.max(cause.retry_delay().unwrap_or_default());
        let now = Instant::now();
        let after = now.duration_since(*self.failing_since.get_or_insert(now));
        if after + delay > self.limit {
            let cause = Box::new(cause);
            return Err(Error::RetriesExhausted { after, cause });
        }
        let wait = duration::human(delay);
        terminal::message(&format!("{cause}\nresuming after {position} in {wait}"));
        tokio::time::sleep(delay).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn waits_grow_to_a_few_seconds_and_do_not_end() {
        let waits: Vec<_> = BACKOFF.build().take(50).collect();
        assert_eq!(waits.len(), 50);
        let bounds = Duration::from_millis(100)..=Duration::from_secs(5);
        assert!(waits.iter().all(|it| bounds.contains(it)), "{waits:?}");
        assert!(waits[0] <= Duration::from_millis(200));
        assert!(waits[49] >= Duration::from_millis(2_500));
    }

    #[tokio::test]
    async fn only_transient_errors_are_retried_and_not_for_ever() {
        let mut retry = Retry::new(Duration::from_secs(60));
        let refused = retry.wait(Status::not_found("no").into(), "").await;
        assert!(matches!(refused, Err(Error::Call(_))));
        let away = || Error::from(Status::unavailable("away"));
        assert!(retry.wait(away(), "").await.is_ok());
        retry.limit = Duration::from_millis(1);
        assert!(matches!(
            retry.wait(away(), "").await,
            Err(Error::RetriesExhausted { .. })
        ));
        retry.limit = Duration::ZERO;
        assert!(matches!(retry.wait(away(), "").await, Err(Error::Call(_))));
    }

    #[tokio::test]
    async fn the_limit_counts_from_the_first_failure_since_progress() {
        let limit = Duration::from_millis(300);
        let away = || Error::from(Status::unavailable("away"));
        let mut retry = Retry::new(limit);
        // The stream is open, without progress.
        tokio::time::sleep(limit).await;
        assert!(retry.wait(away(), "").await.is_ok());
        tokio::time::sleep(limit).await;
        let given_up = retry.wait(away(), "").await;
        assert!(matches!(given_up, Err(Error::RetriesExhausted { after, .. }) if after >= limit));
        retry.reset();
        assert!(retry.wait(away(), "").await.is_ok());
    }
}
