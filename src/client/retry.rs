//! How long to wait before resuming, and when to give up.

use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use crate::{
    client::{error::Error, terminal},
    duration,
};

/// The first wait is at most this long, each further one at most twice the one before.
const FIRST: Duration = Duration::from_millis(200);
/// No wait of our own is longer.
const LONGEST: Duration = Duration::from_secs(5);

/// Exponential backoff with jitter, bounded by the time without progress.
pub(super) struct Retry {
    limit: Duration,
    progress: Instant,
    next: Duration,
}

impl Retry {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            progress: Instant::now(),
            next: FIRST,
        }
    }

    /// Something new was read: patience begins anew.
    pub(super) fn reset(&mut self) {
        self.progress = Instant::now();
        self.next = FIRST;
    }

    /// Waits before the next attempt, or gives up: at once where trying again cannot help.
    /// `done` says what there is so far.
    pub(super) async fn wait(&mut self, cause: Error, done: &str) -> Result<(), Error> {
        if !cause.is_transient() || self.limit.is_zero() {
            return Err(cause);
        }
        let delay = jittered(self.next).max(cause.retry_delay().unwrap_or_default());
        self.next = (self.next * 2).min(LONGEST);
        let after = self.progress.elapsed();
        if after + delay > self.limit {
            let cause = Box::new(cause);
            return Err(Error::RetriesExhausted { after, cause });
        }
        terminal::message(&format!(
            "{cause}\nresuming after {done} in {}",
            duration::human(delay)
        ));
        tokio::time::sleep(delay).await;
        Ok(())
    }
}

/// Between half of the duration and the whole, so that many clients do not come back at once.
fn jittered(duration: Duration) -> Duration {
    let random = RandomState::new().hash_one(()) >> 11;
    let fraction = random as f64 / (1_u64 << 53) as f64;
    duration.mul_f64(0.5 + fraction / 2.0)
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn jitter_stays_in_the_upper_half() {
        for _ in 0..100 {
            let wait = jittered(FIRST);
            assert!(wait >= FIRST / 2 && wait <= FIRST, "{wait:?}");
        }
    }

    #[tokio::test]
    async fn only_what_passes_is_tried_again_and_not_for_ever() {
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
}
