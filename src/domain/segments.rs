//! Segments: stored sets of contacts, built by actions that can be undone.

mod actions;
mod apply;
mod compare;
mod criteria;
mod draft;
pub(super) mod merges;
mod records;

use std::collections::HashMap;

use self::merges::MergeMap;
pub(crate) use self::{
    actions::{Action, ActionResult, ActionTarget, act, get_action, go_back, list_actions},
    apply::{Application, Applied},
    compare::{DifferencePage, Differences, compare},
    criteria::{
        ReplayResult, SavedAction, delete_criteria, get_criteria, list_criteria, replay,
        save_criteria,
    },
};
use super::{
    Call, Committed, Domain, Error, IdempotencyKey, Resource, Result,
    selection::{self, Population},
};
use crate::{
    model::{
        Change, ContactSet, CountedSegment, Description, PageSize, Segment, SegmentId, TenantId,
    },
    store::{self, Connection, Transaction},
};

/// Maximum number of stored sets of a list in memory.
const MAX_LOADED_SETS: usize = 16;

/// Creates an empty segment; without an id it gets the next of the series `SM000001`.
pub(crate) async fn create(
    domain: &Domain,
    call: &Call,
    id: Option<SegmentId>,
    description: Description,
    once: Option<IdempotencyKey>,
) -> Result<Committed<CountedSegment>> {
    domain
        .write_once(call, once, async |tx| {
            let id = match id {
                Some(id) => id,
                None => next_of_series(tx).await?,
            };
            // The tenant's row has no counter of them.
            let count = match tx.max_segments() {
                0 => 0,
                _ => store::segments::count(tx).await?,
            };
            let number = tx
                .take_segment_number(count)
                .map_err(Error::no_number(Resource::Segment))?;
            let segment = store::segments::insert(tx, &id, &description, number)
                .await
                .map_err(Error::on_insert(Resource::Segment, &id))?;
            tx.log(Change::SegmentCreated(segment.segment_number, id));
            Ok(CountedSegment {
                segment,
                members: 0,
                companies: 0,
            })
        })
        .await
}

/// Reads a segment.
pub(crate) async fn get(domain: &Domain, call: &Call, id: &SegmentId) -> Result<CountedSegment> {
    let found = domain
        .read_of(call, async |conn, tenant_id| {
            Ok(store::segments::find_stored(conn, tenant_id, id).await?)
        })
        .await?;
    let (segment, stored) = found.ok_or_else(|| Error::not_found(Resource::Segment, id))?;
    let population = selection::population(domain, call).await?;
    let mut counted = count(domain, call, &population, vec![(segment, stored)]).await?;
    counted.pop().ok_or_else(|| Error::broken("not counted"))
}

/// Lists segments by id, after `after`, whose ids start with `prefix`.
pub(crate) async fn list(
    domain: &Domain,
    call: &Call,
    prefix: &str,
    after: Option<&SegmentId>,
    size: PageSize,
) -> Result<Vec<CountedSegment>> {
    let segments = domain
        .read_via_replica_of(call, async |conn, tenant_id| {
            Ok(store::segments::page(conn, tenant_id, prefix, after, size).await?)
        })
        .await?;
    let mut counted = Vec::with_capacity(segments.len());
    for part in segments.chunks(MAX_LOADED_SETS) {
        let numbers: Vec<i32> = part.iter().map(|segment| segment.segment_number).collect();
        let stored = domain
            .read_via_replica_of(call, async |conn, tenant_id| {
                Ok(store::segments::stored(conn, tenant_id, &numbers).await?)
            })
            .await?;
        let mut stored: HashMap<i32, ContactSet> = stored.into_iter().collect();
        let part = part.iter().map(|segment| {
            let set = stored.remove(&segment.segment_number).unwrap_or_default();
            (segment.clone(), set)
        });
        let part = part.collect();
        let population = selection::population(domain, call).await?;
        counted.extend(count(domain, call, &population, part).await?);
    }
    Ok(counted)
}

/// Changes the description of a segment.
pub(crate) async fn update(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    description: Option<Description>,
    etag: Option<&str>,
    key: Option<IdempotencyKey>,
) -> Result<Committed<CountedSegment>> {
    domain
        .write_once(call, key, async |tx| {
            let (segment, stored) = current(tx, id, etag).await?;
            let population = selection::population_in(domain, tx).await?;
            let tenant_id = tx.tenant_id();
            let merges = MergeMap::read(tx, tenant_id, &population.everyone, &[&stored]).await?;
            let segment = match description.filter(|new| *new != segment.description) {
                None => segment,
                Some(new) => {
                    tx.log(Change::SegmentUpdated(segment.segment_number, segment.id));
                    store::segments::describe(tx, segment.segment_number, &new).await?
                }
            };
            Ok(counted(segment, &merges.resolve(&stored), &population))
        })
        .await
}

/// Deletes a segment with its history.
pub(crate) async fn delete(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    etag: Option<&str>,
    key: Option<IdempotencyKey>,
) -> Result<Committed<()>> {
    domain
        .write_once(call, key, async |tx| {
            let (segment, _) = current(tx, id, etag).await?;
            store::segments::delete(tx, segment.segment_number).await?;
            tx.log(Change::SegmentDeleted(segment.segment_number, segment.id));
            Ok(())
        })
        .await
}

async fn next_of_series(tx: &mut Transaction) -> Result<SegmentId> {
    let mut from = *tx.segment_serial();
    let serial = loop {
        match store::segments::free_serial(tx, from).await? {
            Some(serial) => break serial,
            None => from += 1_000,
        }
    };
    *tx.segment_serial() = serial + 1;
    format!("SM{serial:06}")
        .parse()
        .map_err(|_| Error::broken("the series of segment ids is exhausted"))
}

/// Counts who is on segments.
async fn count(
    domain: &Domain,
    call: &Call,
    population: &Population,
    segments: Vec<(Segment, ContactSet)>,
) -> Result<Vec<CountedSegment>> {
    let sets: Vec<&ContactSet> = segments.iter().map(|(_, stored)| stored).collect();
    let merges = domain
        .read_of(call, async |conn, tenant_id| {
            MergeMap::read(conn, tenant_id, &population.everyone, &sets).await
        })
        .await?;
    let counted = |(segment, stored): (Segment, ContactSet)| {
        counted(segment, &merges.resolve(&stored), population)
    };
    Ok(segments.into_iter().map(counted).collect())
}

fn counted(segment: Segment, members: &ContactSet, population: &Population) -> CountedSegment {
    CountedSegment {
        segment,
        members: members.len(),
        companies: members.intersection_len(&population.companies),
    }
}

/// The segment with this id, or the error that it does not exist.
async fn existing(conn: &mut Connection, tenant_id: TenantId, id: &SegmentId) -> Result<Segment> {
    let found = store::segments::find(conn, tenant_id, id).await?;
    found.ok_or_else(|| Error::not_found(Resource::Segment, id))
}

/// The segment with this id and its set as stored, if the etag is its own.
async fn current(
    tx: &mut Transaction,
    id: &SegmentId,
    etag: Option<&str>,
) -> Result<(Segment, ContactSet)> {
    let tenant_id = tx.tenant_id();
    let found = store::segments::find_stored(tx, tenant_id, id).await?;
    let (segment, stored) = found.ok_or_else(|| Error::not_found(Resource::Segment, id))?;
    if etag.is_some_and(|etag| etag != segment.etag()) {
        return Err(Error::stale(Resource::Segment, id));
    }
    Ok((segment, stored))
}
