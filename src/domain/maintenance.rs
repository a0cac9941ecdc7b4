//! What is tidied up in the background.

use std::{error::Error as _, ops::RangeInclusive, time::Duration};

use chrono::{TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::{Domain, Result, write::ANSWERS_KEPT};
use crate::{model::Time, store};

/// How often it is looked whether there is anything to tidy up, at most and at least.
const EVERY: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(600);

/// Tidies up until it is told to stop. The change log is kept for `retention`.
pub async fn run(domain: Domain, retention: Duration, stop: CancellationToken) {
    // What is to be kept for a short time is looked after often.
    let every = (retention / 10).clamp(*EVERY.start(), *EVERY.end());
    let tidy = async {
        loop {
            if let Err(error) = prune(&domain, retention).await {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(%error, cause, "could not prune old history; trying again later");
            }
            tokio::time::sleep(every).await;
        }
    };
    stop.run_until_cancelled(tidy).await;
}

/// Deletes, in small steps, what nobody needs any more: answers that no repeated request gets,
/// how far imports came that nobody continues, and what was changed longer than `retention` ago.
pub async fn prune(domain: &Domain, retention: Duration) -> Result<()> {
    let before = Utc::now() - ANSWERS_KEPT;
    while domain
        .read(async |conn| Ok(store::requests::prune(conn, before).await?))
        .await?
        > 0
    {}
    while domain
        .read(async |conn| Ok(store::imports::prune(conn, before).await?))
        .await?
        > 0
    {}
    // A time that no clock has shown yet keeps everything.
    let kept = TimeDelta::from_std(retention).unwrap_or(TimeDelta::MAX);
    match Utc::now().checked_sub_signed(kept) {
        Some(before) => prune_history(domain, before).await,
        None => Ok(()),
    }
}

/// Deletes what was changed before a moment.
async fn prune_history(domain: &Domain, before: Time) -> Result<()> {
    let tenants = domain
        .read(async |conn| Ok(store::log::prunable(conn, before).await?))
        .await?;
    for tenant_id in tenants {
        while domain
            .read(async |conn| Ok(store::log::prune(conn, tenant_id, before).await?))
            .await?
        {}
    }
    Ok(())
}
