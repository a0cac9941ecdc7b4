//! Whether a standby is used, and when it is tried again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// For how long a standby is left out at first. It doubles with each further time without a read that
/// worked in between.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How often it doubles.
const MAX_DOUBLINGS: u32 = 4;

/// Whether a standby is used. It is not before the first probe.
#[derive(Default)]
pub(super) struct Availability(Mutex<Status>);

#[derive(Default)]
struct Status {
    is_used: bool,
    is_probed: bool,
    /// From when on it may be probed again, while it is not used.
    retry_at: Option<Instant>,
    /// How often it was left out since a read has worked.
    failures: u32,
    /// Why it was left out last.
    reason: String,
}

impl Availability {
    pub(super) fn is_used(&self) -> bool {
        self.status().is_used
    }

    /// Whether it is not used and may be probed.
    pub(super) fn is_due(&self) -> bool {
        let status = self.status();
        !status.is_used && status.retry_at.is_none_or(|at| at <= Instant::now())
    }

    /// Whether the caller is to probe: no other probe is running.
    pub(super) fn begin_probe(&self) -> bool {
        !std::mem::replace(&mut self.status().is_probed, true)
    }

    pub(super) fn end_probe(&self) {
        self.status().is_probed = false;
    }

    /// Uses it. Returns whether it was left out.
    pub(super) fn take_in(&self) -> bool {
        !std::mem::replace(&mut self.status().is_used, true)
    }

    /// Notes that a read has worked.
    pub(super) fn worked(&self) {
        self.status().failures = 0;
    }

    /// Leaves it out. Returns whether that is new: it was used, or was left out for another reason.
    pub(super) fn leave_out(&self, reason: &str) -> bool {
        let mut status = self.status();
        let was_used = std::mem::take(&mut status.is_used);
        if !was_used && status.retry_at.is_some_and(|at| at > Instant::now()) {
            // Of several reads that fail together, the first counts.
            return false;
        }
        let pause = FIRST_PAUSE * 2_u32.pow(status.failures.min(MAX_DOUBLINGS));
        status.failures += 1;
        status.retry_at = Some(Instant::now() + pause);
        let is_new = was_used || status.reason != reason;
        reason.clone_into(&mut status.reason);
        is_new
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Availability {
        fn pause(&self) -> Duration {
            let retry_at = self.status().retry_at.expect("left out");
            retry_at - Instant::now()
        }

        /// The pause is over.
        fn pass(&self) {
            self.status().retry_at = Some(Instant::now());
        }
    }

    #[test]
    fn it_is_left_out_for_longer_if_no_read_works_in_between() {
        let standby = Availability::default();
        assert!(!standby.is_used() && standby.is_due());
        assert!(standby.begin_probe() && !standby.begin_probe());
        assert!(standby.take_in() && !standby.take_in() && standby.is_used());
        assert!(standby.leave_out("lost") && !standby.is_due() && !standby.is_used());
        for _ in 0..9 {
            assert!(!standby.leave_out("lost"));
        }
        assert!(standby.pause() <= FIRST_PAUSE);
        for doublings in [1, 2, 3, 4, 4] {
            standby.pass();
            assert!(standby.is_due() && standby.take_in() && standby.leave_out("lost"));
            let pause = FIRST_PAUSE * 2_u32.pow(doublings);
            assert!(standby.pause() > pause / 2 && standby.pause() <= pause);
        }
        standby.pass();
        standby.take_in();
        standby.worked();
        standby.leave_out("lost");
        assert!(standby.pause() <= FIRST_PAUSE);
    }

    #[test]
    fn it_is_new_with_another_reason_only() {
        let standby = Availability::default();
        assert!(standby.leave_out("refused"));
        standby.pass();
        assert!(!standby.leave_out("refused"));
        standby.pass();
        assert!(standby.leave_out("promoted"));
        assert!(!standby.leave_out("refused"));
    }
}
