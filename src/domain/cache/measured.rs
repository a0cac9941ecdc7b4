//! What the cache measures.

use metrics::Counter;

use super::SetCache;
use crate::{
    domain::Domain,
    metrics::{
        CACHE_BYTES, CACHE_ENTRIES, CACHE_HITS, CACHE_LIMIT, CACHE_MISSES, Metric, at_reading,
    },
};

/// How often something was found.
pub(super) struct HitMetrics {
    hits: Counter,
    misses: Counter,
}

impl HitMetrics {
    pub(super) fn of(cache: &str) -> Self {
        Self {
            hits: CACHE_HITS.counter(&[cache]),
            misses: CACHE_MISSES.counter(&[cache]),
        }
    }

    pub(super) fn count(&self, found: bool) {
        match found {
            true => self.hits.increment(1),
            false => self.misses.increment(1),
        }
    }
}

/// The names of the two caches in the metrics.
pub(super) const SETS: &str = "sets";
pub(super) const IDS: &str = "id_blocks";

impl Domain {
    /// Shows in the metrics what the cache takes.
    pub(in crate::domain) fn measure_cache(&self) {
        let read = |metric: &Metric, cache: &str, value: fn(&SetCache) -> u64| {
            let (gauge, domain) = (metric.gauge(&[cache]), self.clone());
            at_reading(move || gauge.set(value(domain.cache()) as f64));
        };
        read(&CACHE_BYTES, SETS, |it| it.sets.bytes());
        read(&CACHE_BYTES, IDS, |it| it.ids.bytes());
        read(&CACHE_ENTRIES, SETS, |it| it.sets.len());
        read(&CACHE_ENTRIES, IDS, |it| it.ids.len());
        read(&CACHE_LIMIT, SETS, |it| it.sets.max_bytes());
        read(&CACHE_LIMIT, IDS, |it| it.ids.max_bytes());
    }
}
