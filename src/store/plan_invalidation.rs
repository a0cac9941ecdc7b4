//! When plans are out of date.
//!
//! A prepared statement keeps its plan until its tables are analyzed. While a table has few rows every
//! index of the tenant costs the same, so the plan may take one that reads the whole tenant, and would go
//! on doing so for minutes while the table grows. So plans are discarded whenever a table has doubled, or
//! has halved, as it may grow again.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

/// A table with fewer rows counts as having so many.
const FEW: i64 = 100;

/// Counts how often plans have gone out of date.
#[derive(Default)]
pub(super) struct PlanInvalidation {
    /// The rows of the tables when plans were last discarded.
    planned: Mutex<Vec<i64>>,
    count: AtomicUsize,
}

impl PlanInvalidation {
    /// Records how many rows the tables have, always in the same order.
    pub(super) fn record(&self, rows: Vec<i64>) {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let has_changed = |(now, then): (&i64, &i64)| {
            let (now, then) = (FEW.max(*now), FEW.max(*then));
            now > 2 * then || then > 2 * now
        };
        if planned.len() != rows.len() || rows.iter().zip(&*planned).any(has_changed) {
            *planned = rows;
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Differs between two calls if plans of the first time are out of date by the second.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_out_of_date_when_a_table_has_doubled_or_halved() {
        let plans = PlanInvalidation::default();
        let after = |rows: [i64; 2]| {
            plans.record(rows.to_vec());
            plans.count()
        };
        assert_eq!(after([0, 10 * FEW]), 1);
        assert_eq!(after([2 * FEW, 20 * FEW]), 1);
        assert_eq!(after([3 * FEW, 20 * FEW]), 2);
        assert_eq!(after([3 * FEW, 40 * FEW]), 2);
        assert_eq!(after([3 * FEW, 41 * FEW]), 3);
        assert_eq!(after([2 * FEW, 21 * FEW]), 3);
        assert_eq!(after([2 * FEW, 20 * FEW]), 4);
        assert_eq!(after([0, 20 * FEW]), 4);
        assert_eq!(after([0, 0]), 5);
    }
}
