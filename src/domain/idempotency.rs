//! Requests with a `request_id`: a repetition is not done again, and answers what the first one did.
//!
//! What is kept is a record of what was done: numbers, flags and counts, never a resource. A repetition
//! reads the resource as it is then, so nothing personal outlives its deletion.

use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

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

/// What is kept of a request.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredRequest<R, P> {
    /// Long work that is not complete.
    Begun {
        /// Always 2.
        version: u8,
        begun: P,
    },
    Done {
        /// Always 2.
        version: u8,
        revision: Revision,
        record: R,
    },
    /// Version 0.1.0 kept the resource, of which the record is a part, and the revision.
    Former(R, Revision),
}

/// What is known after a step of long work.
pub(super) enum StepOutcome<T, P> {
    /// What was done so far: the next step goes on from there.
    Begun(P),
    /// All is done.
    Done(T),
}

/// Work that may take several steps.
pub(super) trait LongWork: Send + Sync + 'static {
    type Result: Recorded + Send;
    /// What was done so far.
    type Begun: Serialize + DeserializeOwned + Send;

    /// Takes the next step.
    fn step(
        &self,
        tx: &mut Transaction,
        begun: Option<Self::Begun>,
    ) -> impl Future<Output = Result<StepOutcome<Self::Result, Self::Begun>>> + Send;
}

/// How a request is answered.
enum Answer<T: Recorded, P> {
    First(StepOutcome<T, P>),
    Repeated(T::Record, Revision),
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
        let step = async |tx: &mut Transaction, _: Option<()>| op(tx).await.map(StepOutcome::Done);
        match self.write_step(call, key.as_ref(), None, step).await? {
            (StepOutcome::Done(result), revision) => Ok((result, revision)),
            (StepOutcome::Begun(()), _) => Err(Error::broken("not done in one step")),
        }
    }

    /// Long work. Each step is a transaction under a revision of its own, so that other writes of the
    /// tenant wait for one step at most. What was done is kept under the key with each step: a
    /// repetition of a call that broke goes on with it, and one that comes while the call is still
    /// running takes some of the steps. All of them get the same answer.
    pub(super) async fn write_in_steps<W: LongWork>(
        &self,
        call: &Call,
        key: Option<IdempotencyKey>,
        work: W,
    ) -> Result<Committed<W::Result>> {
        let mut begun = None;
        loop {
            let step = async |tx: &mut Transaction, begun| work.step(tx, begun).await;
            match self.write_step(call, key.as_ref(), begun, step).await? {
                (StepOutcome::Done(result), revision) => return Ok((result, revision)),
                (StepOutcome::Begun(done), _) => begun = Some(done),
            }
        }
    }

    /// Takes one step of long work. It gets what was done so far: what is kept under the key, or else
    /// `begun`.
    pub(super) async fn write_step<T: Recorded, P: Serialize + DeserializeOwned>(
        &self,
        call: &Call,
        key: Option<&IdempotencyKey>,
        begun: Option<P>,
        step: impl AsyncFnOnce(&mut Transaction, Option<P>) -> Result<StepOutcome<T, P>>,
    ) -> Result<Committed<StepOutcome<T, P>>> {
        let Some(key) = key.filter(|_| !call.validate_only) else {
            return self.write(call, async |tx| step(tx, begun).await).await;
        };
        let write = async |tx: &mut Transaction| {
            let tenant_id = tx.tenant_id();
            let begun = match find::<T::Record, P>(tx, tenant_id, key).await? {
                None => begun,
                Some(StoredRequest::Begun { begun, .. }) => Some(begun),
                Some(
                    StoredRequest::Done {
                        record, revision, ..
                    }
                    | StoredRequest::Former(record, revision),
                ) => return Ok(Answer::Repeated(record, revision)),
            };
            let taken = step(tx, begun).await?;
            let kept = keep(&taken, tx.revision_after())?;
            store::requests::insert(tx, &key.id, key.digest, kept).await?;
            Ok(Answer::First(taken))
        };
        let written = self.write(call, write).await.map_err(Error::repeatable)?;
        match written {
            (Answer::First(step), revision) => Ok((step, revision)),
            (Answer::Repeated(record, revision), _) => {
                let result = T::recall(record, self, call).await?;
                Ok((StepOutcome::Done(result), revision))
            }
        }
    }

    /// The answer to a request that was done before. For requests that check their content before they
    /// write: what they name may be gone by now.
    pub(super) async fn recall_done<T: Recorded>(
        &self,
        call: &Call,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<Committed<T>>> {
        match self.recall::<T, IgnoredAny>(call, key).await? {
            Some((StepOutcome::Done(result), revision)) => Ok(Some((result, revision))),
            Some((StepOutcome::Begun(_), _)) | None => Ok(None),
        }
    }

    /// What was done of a request, completely or not; the revision is that of the end.
    pub(super) async fn recall<T: Recorded, P: DeserializeOwned>(
        &self,
        call: &Call,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<Committed<StepOutcome<T, P>>>> {
        let Some(key) = key.filter(|_| !call.validate_only) else {
            return Ok(None);
        };
        let find = async |conn: &mut _, tenant_id| find::<T::Record, P>(conn, tenant_id, key).await;
        Ok(match self.read_of(call, find).await? {
            None => None,
            Some(StoredRequest::Begun { begun, .. }) => Some((StepOutcome::Begun(begun), 0)),
            Some(
                StoredRequest::Done {
                    record, revision, ..
                }
                | StoredRequest::Former(record, revision),
            ) => Some((
                StepOutcome::Done(T::recall(record, self, call).await?),
                revision,
            )),
        })
    }
}

/// What is to be kept of a request after a step.
fn keep<T: Recorded, P: Serialize>(
    taken: &StepOutcome<T, P>,
    revision: Revision,
) -> Result<serde_json::Value> {
    let version = 2;
    let kept = match taken {
        StepOutcome::Begun(begun) => StoredRequest::Begun { version, begun },
        StepOutcome::Done(result) => StoredRequest::Done {
            version,
            revision,
            record: result.record(),
        },
    };
    serde_json::to_value(&kept).map_err(|e| Error::Internal(e.into()))
}

/// What is kept of an earlier request with this key, if there was one.
async fn find<R: DeserializeOwned, P: DeserializeOwned>(
    conn: &mut Connection,
    tenant_id: TenantId,
    key: &IdempotencyKey,
) -> Result<Option<StoredRequest<R, P>>> {
    let found = store::requests::find(conn, tenant_id, &key.id, ANSWERS_KEPT).await?;
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
        $(impl $crate::domain::idempotency::Recorded for $result {
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
