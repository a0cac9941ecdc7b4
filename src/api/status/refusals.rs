//! How often each reason was given.

use std::sync::LazyLock;

use metrics::Counter;

use super::reason::reason_name;
use crate::{metrics::REFUSALS, pb::ErrorReason};

/// By the number of the reason.
static REFUSED: LazyLock<Vec<Counter>> = LazyLock::new(|| {
    let reasons = (0..).map_while(|number| ErrorReason::try_from(number).ok());
    reasons
        .map(|reason| REFUSALS.counter(&[reason_name(reason)]))
        .collect()
});

/// Makes the counters of all reasons, so that those exist which were not given yet.
pub(crate) fn count_from_now() {
    LazyLock::force(&REFUSED);
}

pub(super) fn count(reason: ErrorReason) {
    if let Some(counter) = REFUSED.get(reason as usize) {
        counter.increment(1);
    }
}
