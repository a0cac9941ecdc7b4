//! What each server grants a tenant at a time: calls in a second, and open streams.
//!
//! The limits of all tenants that have some are read every two seconds, so that neither a call nor its
//! refusal takes a statement.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota as Rate, RateLimiter,
    clock::{Clock, DefaultClock},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::status::{self, TenantLimit};
use crate::{
    domain::{Domain, tenants},
    model::RatedTenant,
};

/// How often the limits are read.
const READ_INTERVAL: Duration = Duration::from_secs(2);

/// When a stream may be tried again.
const STREAM_RETRY: Duration = Duration::from_secs(1);

/// The rate limits of all tenants, as they were a few seconds ago at most.
#[derive(Debug, Default)]
pub struct Rates {
    /// Tenants with limits of their own.
    own: ArcSwap<HashMap<Box<str>, OwnRates>>,
    /// Calls of the other tenants.
    default: Option<(NonZeroU32, DefaultKeyedRateLimiter<Arc<str>>)>,
    clock: DefaultClock,
}

#[derive(Debug, Clone)]
struct OwnRates {
    streams: Option<NonZeroU32>,
    calls: Option<(NonZeroU32, Arc<DefaultDirectRateLimiter>)>,
}

impl Rates {
    /// Tenants without a limit of their own make at most so many calls in a second; 0 is no limit.
    pub fn new(default_calls_per_second: u32) -> Self {
        let default = NonZeroU32::new(default_calls_per_second);
        Self {
            default: default.map(|max| (max, RateLimiter::keyed(Rate::per_second(max)))),
            ..Self::default()
        }
    }

    /// Counts a call of a tenant; an error if it has made too many.
    pub(crate) fn count_call(&self, tenant: &Arc<str>) -> Result<(), Status> {
        let own = self.own.load();
        let own = own.get(&**tenant).and_then(|it| it.calls.as_ref());
        let (max, checked) = match (own, &self.default) {
            (Some((max, limiter)), _) => (max, limiter.check()),
            (None, Some((max, limiters))) => (max, limiters.check_key(tenant)),
            (None, None) => return Ok(()),
        };
        checked.map_err(|until| {
            let retry = until.wait_time_from(self.clock.now());
            status::tenant_exceeds(TenantLimit::CallsPerSecond, max.get(), retry)
        })
    }

    /// The most streams that a tenant may have open, if it has such a limit.
    pub(crate) fn max_streams(&self, tenant: &str) -> Option<u32> {
        let own = self.own.load();
        Some(own.get(tenant)?.streams?.get())
    }

    /// The error of one stream more.
    pub(crate) fn too_many_streams(max: u32) -> Status {
        status::tenant_exceeds(TenantLimit::Streams, max, STREAM_RETRY)
    }

    /// Replaces the limits. What was counted under one that stays is kept.
    fn set(&self, tenants: Vec<RatedTenant>) {
        let before = self.own.load();
        let own = tenants.into_iter().map(|tenant| {
            let name: Box<str> = tenant.name.as_str().into();
            let known = before.get(&name).and_then(|it| it.calls.clone());
            let calls = limit(tenant.rates.max_calls_per_second).map(|max| match known {
                Some(known) if known.0 == max => known,
                _ => (max, Arc::new(RateLimiter::direct(Rate::per_second(max)))),
            });
            let streams = limit(tenant.rates.max_streams);
            (name, OwnRates { streams, calls })
        });
        self.own.store(Arc::new(own.collect()));
        if let Some((_, limiters)) = &self.default {
            // Tenants that have made no call lately take no memory.
            limiters.retain_recent();
        }
    }
}

fn limit(max: i64) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(max).unwrap_or(u32::MAX))
}

/// Follows the limits in the database until `stop` is cancelled. While they cannot be read, the last
/// ones hold.
pub async fn follow(domain: Domain, rates: Arc<Rates>, stop: CancellationToken) {
    let reading = async {
        loop {
            match tenants::rated(&domain).await {
                Ok(tenants) => rates.set(tenants),
                Err(error) => tracing::debug!(%error, "the limits of tenants could not be read"),
            }
            sleep(READ_INTERVAL).await;
        }
    };
    stop.run_until_cancelled(reading).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TenantRates;

    fn rated(name: &str, max_streams: i64, max_calls_per_second: i64) -> RatedTenant {
        RatedTenant {
            name: name.parse().expect("a name"),
            rates: TenantRates {
                max_streams,
                max_calls_per_second,
            },
        }
    }

    #[test]
    fn a_tenant_has_its_own_limits_or_the_default() {
        let rates = Rates::new(1);
        let (own, other) = (Arc::from("own"), Arc::from("other"));
        rates.set(vec![rated("own", 7, 2), rated("streams", 3, 0)]);
        assert_eq!(rates.max_streams("own"), Some(7));
        assert_eq!(rates.max_streams("other"), None);
        let mut passed = (0, 0);
        for _ in 0..2 {
            passed.0 += usize::from(rates.count_call(&own).is_ok());
            passed.1 += usize::from(rates.count_call(&other).is_ok());
        }
        assert_eq!(passed, (2, 1));
        // The same limit goes on counting.
        rates.set(vec![rated("own", 0, 2)]);
        let refused = rates.count_call(&own).expect_err("too many");
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        assert!(refused.metadata().contains_key("grpc-retry-pushback-ms"));
        assert_eq!(rates.max_streams("own"), None);
    }

    #[test]
    fn without_limits_every_call_passes() {
        let (rates, tenant) = (Rates::new(0), Arc::from("t"));
        assert!((0..10_000).all(|_| rates.count_call(&tenant).is_ok()));
    }
}
