//! Deletes expired rows in the background.

use std::{ops::RangeInclusive, time::Duration};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::{Domain, Error, Result, database::ANSWERS_KEPT};
use crate::{
    metrics::{HISTORY_BOUND, MAINTENANCE_RUNS},
    model::Time,
    store::{self, ALL_TENANTS, Connection, QueryError},
    telemetry::causes,
};

/// Minimum and maximum interval of pruning.
const INTERVAL: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(600);

/// Prunes until `stop` is cancelled. The change log is kept for `retention`.
pub async fn run(domain: Domain, retention: Duration, stop: CancellationToken) {
    // A short retention needs frequent pruning.
    let interval = (retention / 10).clamp(*INTERVAL.start(), *INTERVAL.end());
    let [succeeded, failed] = ["ok", "failed"].map(|it| MAINTENANCE_RUNS.counter(&[it]));
    let bound = HISTORY_BOUND.gauge(&[]);
    let pruning = async {
        loop {
            let now = store::now();
            // Logged, and tried again.
            match prune(&domain, retention).await {
                Ok(()) => {
                    succeeded.increment(1);
                    bound.set((now.timestamp() as f64) - retention.as_secs_f64());
                }
                Err(_) => failed.increment(1),
            }
            tokio::time::sleep(interval).await;
        }
    };
    stop.run_until_cancelled(pruning).await;
}

/// Deletes expired rows in small steps: answers to requests, the progress of imports, records of deleted
/// tenants, and changes older than `retention`. If one kind fails, the others are deleted all the same.
/// Their age is by the clock of the database: a server whose clock is wrong must not delete what others
/// keep.
///
/// # Errors
///
/// The first failure.
pub async fn prune(domain: &Domain, retention: Duration) -> Result<()> {
    let time = async |conn: &mut _| Ok(store::health::time(conn).await?);
    let now = domain.read(ALL_TENANTS, time).await;
    let now = now.map_err(|error| logged("rows", error))?;
    let before = now - ANSWERS_KEPT;
    let requests = async |conn: &mut _| store::requests::prune(conn, before).await;
    let imports = async |conn: &mut _| store::imports::prune(conn, before).await;
    let tenants = async |conn: &mut _| store::tenants::prune(conn, before).await;
    let pruned = [
        prune_rows(domain, "answers to requests", requests).await,
        prune_rows(domain, "imports", imports).await,
        prune_rows(domain, "records of deleted tenants", tenants).await,
        prune_history(domain, now, retention).await,
    ];
    pruned.into_iter().collect()
}

/// Runs a step until there is nothing left to delete.
async fn prune_rows(
    domain: &Domain,
    what: &str,
    step: impl AsyncFn(&mut Connection) -> Result<usize, QueryError>,
) -> Result<()> {
    loop {
        let deleted = domain.read(ALL_TENANTS, async |conn| Ok(step(conn).await?));
        match deleted.await {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(logged(what, error)),
        }
    }
}

/// Deletes changes that are older than `retention`.
async fn prune_history(domain: &Domain, now: Time, retention: Duration) -> Result<()> {
    let kept = TimeDelta::from_std(retention).unwrap_or(TimeDelta::MAX);
    let Some(before) = now.checked_sub_signed(kept) else {
        // A retention that reaches back before all times keeps everything.
        return Ok(());
    };
    let prunable = async |conn: &mut _| Ok(store::log::prunable(conn, before).await?);
    let tenants = domain.read(ALL_TENANTS, prunable).await;
    let mut pruned = Ok(());
    for tenant_id in tenants.map_err(|error| logged("history", error))? {
        let step = async |conn: &mut _| {
            let more = store::log::prune(conn, tenant_id, before).await?;
            Ok(usize::from(more))
        };
        pruned = pruned.and(prune_rows(domain, "history", step).await);
    }
    pruned
}

fn logged(what: &str, error: Error) -> Error {
    let cause = causes(&error);
    tracing::warn!(%error, cause, "could not delete old {what}; trying again later");
    error
}
