//! Requests with a `request_id`: a repetition is not done again, and answers what the first one did.
//!
//! What is kept is a record of what was done: numbers, flags and counts, never an entity. A repetition
//! reads the entity as it is then, so nothing personal outlives its deletion.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    BrokenRule, Call, Committed, Domain, Error, IdempotencyKey, Resource, Result,
    database::ANSWERS_KEPT,
};
use crate::{
    model::{AssignmentOutcome, Contact, MailingGroup, Revision, SavedCriteria, TenantId},
    store::{self, Connection, Transaction},
};

/// The result of a request that can be repeated.
pub(super) trait Recorded: Sized {
    /// What is kept of it. A change of its JSON must leave the older one readable.
    type Record: Serialize + DeserializeOwned;

    fn record(&self) -> Self::Record;

    /// The result for a repetition.
    async fn recall(record: Self::Record, domain: &Domain, call: &Call) -> Result<Self>;
}

/// A record as stored.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept<R> {
    Current {
        /// Always 2.
        version: u8,
        revision: Revision,
        record: R,
    },
    /// Version 0.1.0 kept the entity, of which the record is a part, and the revision.
    Former(R, Revision),
}

/// How a request is answered.
enum Answer<T: Recorded> {
    First(T),
    Repeated(Kept<T::Record>),
}

impl Domain {
    /// As [`Database::write`](super::database::Database::write), but with a key only once: a repeated
    /// request gets the first answer.
    pub(super) async fn write_once<T: Recorded>(
        &self,
        call: &Call,
        key: Option<IdempotencyKey>,
        op: impl AsyncFnOnce(&mut Transaction) -> Result<T>,
    ) -> Result<Committed<T>> {
        let Some(key) = key.filter(|_| !call.validate_only) else {
            return self.write(call, op).await;
        };
        let write = async |tx: &mut Transaction| {
            let tenant_id = tx.tenant_id();
            if let Some(kept) = find::<T::Record>(tx, tenant_id, &key).await? {
                return Ok(Answer::Repeated(kept));
            }
            let result = op(tx).await?;
            keep(tx, &key, &result).await?;
            Ok(Answer::First(result))
        };
        let written = self.write(call, write).await.map_err(Error::repeatable)?;
        match written {
            (Answer::First(result), revision) => Ok((result, revision)),
            (Answer::Repeated(kept), _) => self.recall(call, kept).await,
        }
    }

    /// The answer to a request that was done before. For requests that check their content before they
    /// write: what they name may be gone by now.
    pub(super) async fn recall_done<T: Recorded>(
        &self,
        call: &Call,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<Committed<T>>> {
        let Some(key) = key.filter(|_| !call.validate_only) else {
            return Ok(None);
        };
        let find = async |conn: &mut _, tenant_id| find::<T::Record>(conn, tenant_id, key).await;
        match self.read_of(call, find).await? {
            Some(kept) => self.recall(call, kept).await.map(Some),
            None => Ok(None),
        }
    }

    async fn recall<T: Recorded>(
        &self,
        call: &Call,
        kept: Kept<T::Record>,
    ) -> Result<Committed<T>> {
        let (Kept::Current {
            record, revision, ..
        }
        | Kept::Former(record, revision)) = kept;
        Ok((T::recall(record, self, call).await?, revision))
    }
}

/// Keeps what was done; in steps of long work, what was done so far.
pub(super) async fn keep<T: Recorded>(
    tx: &mut Transaction,
    key: &IdempotencyKey,
    result: &T,
) -> Result<()> {
    let kept = Kept::Current {
        version: 2,
        revision: tx.revision_after(),
        record: result.record(),
    };
    let kept = serde_json::to_value(&kept).map_err(|e| Error::Internal(e.into()))?;
    store::requests::insert(tx, &key.id, key.digest, kept).await?;
    Ok(())
}

/// What is kept of an earlier request with this key, if there was one.
async fn find<R: DeserializeOwned>(
    conn: &mut Connection,
    tenant_id: TenantId,
    key: &IdempotencyKey,
) -> Result<Option<Kept<R>>> {
    let since = store::now() - ANSWERS_KEPT;
    let found = store::requests::find(conn, tenant_id, &key.id, since).await?;
    let Some((digest, kept)) = found else {
        return Ok(None);
    };
    if digest != key.digest {
        return Err(BrokenRule::RequestIdReused.into());
    }
    let kept = serde_json::from_value(kept);
    kept.map(Some).map_err(|e| Error::Internal(e.into()))
}

/// Results without entities are kept as they are.
macro_rules! recorded_as_is {
    ($($result:ty),* $(,)?) => {
        $(impl $crate::domain::once::Recorded for $result {
            type Record = Self;

            fn record(&self) -> Self {
                self.clone()
            }

            async fn recall(
                record: Self,
                _: &$crate::domain::Domain,
                _: &$crate::domain::Call,
            ) -> $crate::domain::Result<Self> {
                Ok(record)
            }
        })*
    };
}

pub(super) use recorded_as_is;

recorded_as_is!((), usize, Vec<AssignmentOutcome>);

/// A record of an entity: its number, which is never given to another one.
macro_rules! recorded_by_number {
    ($($entity:ident: $record:ident.$number:ident, $resource:ident, $find:path;)*) => {
        $(
            #[derive(Serialize, Deserialize)]
            pub(super) struct $record {
                $number: i32,
            }

            impl Recorded for $entity {
                type Record = $record;

                fn record(&self) -> $record {
                    $record { $number: self.$number }
                }

                async fn recall(record: $record, domain: &Domain, call: &Call) -> Result<Self> {
                    let read = async |conn: &mut Connection, tenant_id: TenantId| {
                        Ok($find(conn, tenant_id, record.$number).await?)
                    };
                    let found = domain.read_of(call, read).await?;
                    found.ok_or(Error::DeletedSince(Resource::$resource))
                }
            }
        )*
    };
}

recorded_by_number! {
    Contact: ContactRecord.contact_number, Contact, store::contacts::find_by_number;
    MailingGroup: MailingGroupRecord.group_id, MailingGroup, store::mailing_groups::find_by_number;
    SavedCriteria: SavedCriteriaRecord.criteria_number, SavedCriteria,
        store::segments::criteria::find_by_number;
}
