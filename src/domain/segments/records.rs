//! What is kept of requests on segments.

use serde::{Deserialize, Serialize};

use super::{ActionResult, Applied, ReplayResult, get};
use crate::{
    domain::{
        Call, Domain, Error, Resource, Result,
        idempotency::{Recorded, recorded_as_is},
    },
    model::CountedSegment,
    store::{self, Connection},
};

recorded_as_is!(Applied);

/// The record of a segment, nested as in the resource.
#[derive(Serialize, Deserialize)]
pub(in crate::domain) struct CountedSegmentRecord {
    segment: SegmentRecord,
}

#[derive(Serialize, Deserialize)]
struct SegmentRecord {
    segment_number: i32,
}

impl Recorded for CountedSegment {
    type Record = CountedSegmentRecord;

    fn record(&self) -> CountedSegmentRecord {
        let segment_number = self.segment.segment_number;
        CountedSegmentRecord {
            segment: SegmentRecord { segment_number },
        }
    }

    async fn recall(record: Self::Record, domain: &Domain, call: &Call) -> Result<Self> {
        let number = record.segment.segment_number;
        let read = async |conn: &mut Connection, tenant_id| {
            Ok(store::segments::find_by_number(conn, tenant_id, number).await?)
        };
        let found = domain.read_of(call, read).await?;
        let segment = found.ok_or(Error::DeletedSince(Resource::Segment))?;
        get(domain, call, &segment.id).await
    }
}

/// What is kept of actions.
#[derive(Serialize, Deserialize)]
pub(in crate::domain) struct ActionRecord {
    segment: CountedSegmentRecord,
    added: u64,
    removed: u64,
    excluded: u64,
    privacy_blocked: u64,
}

impl Recorded for ActionResult {
    type Record = ActionRecord;

    fn record(&self) -> ActionRecord {
        ActionRecord {
            segment: self.segment.record(),
            added: self.added,
            removed: self.removed,
            excluded: self.excluded,
            privacy_blocked: self.privacy_blocked,
        }
    }

    async fn recall(record: ActionRecord, domain: &Domain, call: &Call) -> Result<Self> {
        Ok(Self {
            segment: CountedSegment::recall(record.segment, domain, call).await?,
            added: record.added,
            removed: record.removed,
            excluded: record.excluded,
            privacy_blocked: record.privacy_blocked,
        })
    }
}

/// What is kept of a replay.
#[derive(Serialize, Deserialize)]
pub(in crate::domain) struct ReplayRecord {
    result: ActionRecord,
    actions: i32,
    skipped: u64,
}

impl Recorded for ReplayResult {
    type Record = ReplayRecord;

    fn record(&self) -> ReplayRecord {
        ReplayRecord {
            result: self.result.record(),
            actions: self.actions,
            skipped: self.skipped,
        }
    }

    async fn recall(record: ReplayRecord, domain: &Domain, call: &Call) -> Result<Self> {
        Ok(Self {
            result: ActionResult::recall(record.result, domain, call).await?,
            actions: record.actions,
            skipped: record.skipped,
        })
    }
}
