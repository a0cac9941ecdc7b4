//! Undoing the last action.

use super::ActionResult;
use crate::{
    domain::{
        Call, Committed, Domain, Error, Precondition, Result,
        segments::{counted, current, existing, merge_map::MergeMap},
        selection,
    },
    model::{ActionKind, Change, SegmentId},
    store::{self, Transaction},
};

/// Undoes the last action, or only says what that would do: contacts that it added leave, contacts that it
/// removed comes back, and nobody else moves.
pub(crate) async fn go_back(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    validate_only: bool,
) -> Result<Committed<ActionResult>> {
    domain
        .read_of(call, async |conn, tenant_id| {
            existing(conn, tenant_id, id).await
        })
        .await?;
    selection::population(domain, call).await?;
    domain
        .write(call, async |tx| {
            go_back_in(domain, tx, id, validate_only).await
        })
        .await
}

async fn go_back_in(
    domain: &Domain,
    tx: &mut Transaction,
    id: &SegmentId,
    validate_only: bool,
) -> Result<ActionResult> {
    let (mut segment, mut stored) = current(tx, id, None).await?;
    let (number, last) = (segment.segment_number, segment.action_count);
    if last == 0 {
        return Err(Error::Precondition(Precondition::NothingToUndo(segment.id)));
    }
    let (kind, changed) = store::segments::actions::find_changed(tx, number, last).await?;
    let Some(changed) = changed else {
        let id = segment.id;
        return Err(Error::Precondition(Precondition::UndoHistoryEnded(id)));
    };
    let population = selection::population_in(domain, tx).await?;
    let tenant_id = tx.tenant_id();
    let merges = MergeMap::read(tx, tenant_id, &population, &[&stored, &changed]).await?;
    let before = merges.resolve(&stored);
    match kind {
        ActionKind::Add => stored -= changed,
        ActionKind::Reduce | ActionKind::Refine => stored |= changed,
    }
    let after = merges.resolve(&stored);
    segment.action_count = last - 1;
    if !validate_only {
        tx.log(Change::SegmentUpdated(number, segment.id));
        store::segments::actions::delete(tx, number, last).await?;
        let stored = &stored - merges.dangling(&stored);
        segment = store::segments::update(tx, number, last - 1, Some(stored)).await?;
    }
    Ok(ActionResult {
        segment: counted(segment, &after, &population),
        added: after.difference_len(&before),
        removed: before.difference_len(&after),
        excluded: 0,
        privacy_blocked: 0,
    })
}
