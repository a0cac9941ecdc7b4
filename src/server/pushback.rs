//! After which time refused calls shall come again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How many refused calls of a tenant may come again in a second. To refuse a call costs a tenth of
/// what a short one costs, so that these take a few percent of the server at most.
const RETURNING_PER_SECOND: f64 = 2_000.0;

/// The shortest and the longest delay, before it is spread.
const DELAYS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

const SECOND: Duration = Duration::from_secs(1);

/// The delays of tenants: the more of a tenant's calls are refused, the longer.
pub(super) struct Pushback(Mutex<RefusedCalls>);

struct RefusedCalls {
    /// When the present second began.
    since: Instant,
    /// The refused calls of tenants in the present and in the last second.
    now: HashMap<Arc<str>, u32>,
    before: HashMap<Arc<str>, u32>,
}

impl Pushback {
    pub(super) fn new() -> Self {
        Self(Mutex::new(RefusedCalls {
            since: Instant::now(),
            now: HashMap::new(),
            before: HashMap::new(),
        }))
    }

    /// Counts a refused call; after which time it shall come again.
    pub(super) fn refused(&self, tenant: &Arc<str>, now: Instant) -> Duration {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.expire(now);
        let before = refused.before.get(tenant).copied().unwrap_or_default();
        let latest = refused.now.entry(Arc::clone(tenant)).or_default();
        *latest = latest.saturating_add(1);
        let seconds = f64::from(before.saturating_add(*latest)) / RETURNING_PER_SECOND;
        let [least, most] = DELAYS;
        Duration::from_secs_f64(seconds).clamp(least, most)
    }
}

impl RefusedCalls {
    /// Drops what is older than the last second.
    fn expire(&mut self, now: Instant) {
        let age = now - self.since;
        if age < SECOND {
            return;
        }
        self.before = match age < 2 * SECOND {
            true => std::mem::take(&mut self.now),
            false => HashMap::new(),
        };
        self.now.clear();
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_calls_of_a_tenant_are_refused_the_later_they_come_again() {
        let pushback = Pushback::new();
        let now = Instant::now();
        let [loud, quiet] = ["loud", "quiet"].map(Arc::from);
        assert_eq!(pushback.refused(&loud, now), SECOND);
        let delays: Vec<_> = (0..20_000).map(|_| pushback.refused(&loud, now)).collect();
        assert!(delays.is_sorted());
        assert_eq!(delays[6_000], Duration::from_secs_f64(6_002.0 / 2_000.0));
        assert_eq!(delays[19_999], DELAYS[1]);
        assert_eq!(pushback.refused(&quiet, now), SECOND);
        assert_eq!(pushback.refused(&loud, now + SECOND), DELAYS[1]);
        assert_eq!(pushback.refused(&loud, now + 4 * SECOND), SECOND);
    }
}
