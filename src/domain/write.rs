//! How every write runs: one transaction that holds the tenant's clock.

use chrono::TimeDelta;
use serde::{Serialize, de::DeserializeOwned};

use super::{Call, Domain, Error, Result};
use crate::{
    model::{RequestId, Revision},
    store::{self, Transaction},
};

/// How long an answer to a request with a `request_id` is kept.
pub(super) const ANSWERS_KEPT: TimeDelta = TimeDelta::days(7);

/// What a write answers, and the revision it made; if it changed nothing, the present one.
pub(crate) type Written<T> = (T, Revision);

/// A request that is to have its effect once, however often it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    /// The caller's name for the request.
    pub id: RequestId,
    /// A digest of what the request asks for.
    pub(crate) digest: [u8; 32],
}

impl Domain {
    /// Runs an operation in a transaction of the tenant's own.
    pub(super) async fn write<T>(
        &self,
        call: &Call,
        op: impl AsyncFnOnce(&mut Transaction) -> Result<T>,
    ) -> Result<Written<T>> {
        let outcome = async {
            let mut tx = self.begin(&call.tenant).await?;
            match op(&mut tx).await {
                Ok(value) => Ok((value, tx.commit(&call.request_id).await?)),
                Err(error) => {
                    // If it fails, the connection is closed, which undoes everything as well.
                    let _ = tx.rollback().await;
                    Err(error)
                }
            }
        }
        .await;
        if let Ok((_, revision)) = &outcome {
            self.notifier.notify(&call.tenant, *revision);
        }
        self.finish(outcome, async {}).await
    }

    /// As [`Domain::write`], but a request that was answered before gets that answer again.
    pub(super) async fn write_once<T: Serialize + DeserializeOwned>(
        &self,
        call: &Call,
        once: Option<Once>,
        op: impl AsyncFnOnce(&mut Transaction) -> Result<T>,
    ) -> Result<Written<T>> {
        let Some(once) = once else {
            return self.write(call, op).await;
        };
        let write = async |tx: &mut Transaction| {
            if let Some(answer) = answered(tx, &once).await? {
                return Ok(answer);
            }
            let answer = (op(tx).await?, tx.revision_after());
            let kept = serde_json::to_value(&answer).map_err(|e| Error::Internal(e.into()))?;
            store::requests::insert(tx, &once.id, once.digest, kept).await?;
            Ok(answer)
        };
        let (answer, _) = self.write(call, write).await?;
        Ok(answer)
    }
}

/// The answer given before, if the request was answered before.
async fn answered<T: DeserializeOwned>(
    tx: &mut Transaction,
    once: &Once,
) -> Result<Option<Written<T>>> {
    let since = tx.time() - ANSWERS_KEPT;
    let Some((digest, answer)) = store::requests::find(tx, &once.id, since).await? else {
        return Ok(None);
    };
    if digest != once.digest {
        return Err(Error::invalid(
            "request_id",
            "was used for another request within the last 7 days; take a new one",
        ));
    }
    serde_json::from_value(answer)
        .map(Some)
        .map_err(|e| Error::Internal(e.into()))
}
