//! Deletes expired rows in the background.

use std::{error::Error as _, ops::RangeInclusive, time::Duration};

use chrono::{TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::{Domain, Result, database::ANSWERS_KEPT};
use crate::{
    model::Time,
    store::{self, ALL_TENANTS},
};

/// Minimum and maximum interval of pruning.
const INTERVAL: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(600);

/// Prunes until `stop` is cancelled. The change log is kept for `retention`.
pub async fn run(domain: Domain, retention: Duration, stop: CancellationToken) {
    // A short retention needs frequent pruning.
    let interval = (retention / 10).clamp(*INTERVAL.start(), *INTERVAL.end());
    let pruning = async {
        loop {
            if let Err(error) = prune(&domain, retention).await {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(%error, cause, "could not prune old history; trying again later");
            }
            tokio::time::sleep(interval).await;
        }
    };
    stop.run_until_cancelled(pruning).await;
}

/// Deletes expired rows in small steps: answers to requests, the progress of imports, records of deleted
/// tenants, and changes older than `retention`.
pub async fn prune(domain: &Domain, retention: Duration) -> Result<()> {
    let before = Utc::now() - ANSWERS_KEPT;
    while domain
        .read(ALL_TENANTS, async |conn| {
            Ok(store::requests::prune(conn, before).await?)
        })
        .await?
        > 0
    {}
    while domain
        .read(ALL_TENANTS, async |conn| {
            Ok(store::imports::prune(conn, before).await?)
        })
        .await?
        > 0
    {}
    while domain
        .read(ALL_TENANTS, async |conn| {
            Ok(store::tenants::prune(conn, before).await?)
        })
        .await?
        > 0
    {}
    // A retention that reaches back before all times keeps everything.
    let kept = TimeDelta::from_std(retention).unwrap_or(TimeDelta::MAX);
    match Utc::now().checked_sub_signed(kept) {
        Some(before) => prune_history(domain, before).await,
        None => Ok(()),
    }
}

/// Deletes changes that were committed before a time.
async fn prune_history(domain: &Domain, before: Time) -> Result<()> {
    let tenants = domain
        .read(ALL_TENANTS, async |conn| {
            Ok(store::log::prunable(conn, before).await?)
        })
        .await?;
    for tenant_id in tenants {
        while domain
            .read(ALL_TENANTS, async |conn| {
                Ok(store::log::prune(conn, tenant_id, before).await?)
            })
            .await?
        {}
    }
    Ok(())
}
