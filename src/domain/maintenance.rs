//! What is tidied up in the background.

use std::time::Duration;

use chrono::Utc;
use tokio_util::sync::CancellationToken;

use super::{Domain, Result, write::ANSWERS_KEPT};
use crate::store;

/// How often it is looked whether there is anything to tidy up.
const EVERY: Duration = Duration::from_secs(600);

/// Tidies up until it is told to stop.
pub async fn run(domain: Domain, stop: CancellationToken) {
    let tidy = async {
        loop {
            if let Err(error) = prune_answers(&domain).await {
                tracing::warn!(%error, "old answers could not be deleted; trying again later");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    stop.run_until_cancelled(tidy).await;
}

/// Deletes answers that no repeated request gets any more, in small steps.
async fn prune_answers(domain: &Domain) -> Result<()> {
    let before = Utc::now() - ANSWERS_KEPT;
    while domain
        .read(async |conn| Ok(store::requests::prune(conn, before).await?))
        .await?
        > 0
    {}
    Ok(())
}
