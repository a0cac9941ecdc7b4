//! Saved criteria: the actions of a segment, to be run again.

use super::{ActionResult, draft::SegmentDraft, existing};
use crate::{
    domain::{
        Call, Committed, Domain, Error, Precondition, Resource, Result, selection::SelectionPart,
    },
    model::{Change, CriteriaCode, Criterion, Description, PageSize, SavedCriteria, SegmentId},
    store::{self, Transaction},
};

/// Saves all actions of a segment under a code.
pub(crate) async fn save_criteria(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    code: &CriteriaCode,
    description: &Description,
) -> Result<Committed<SavedCriteria>> {
    domain
        .write(call, async |tx| {
            let tenant_id = tx.tenant_id();
            let segment = existing(tx, tenant_id, id).await?;
            if segment.action_count == 0 {
                return Err(Error::Precondition(Precondition::NoActions(segment.id)));
            }
            let number = tx
                .take_criteria_number()
                .map_err(|_| Error::Full(Resource::SavedCriteria))?;
            let saved = store::segments::criteria::insert(tx, code, description, &segment, number)
                .await
                .map_err(Error::on_insert(Resource::SavedCriteria, code))?;
            let (from, to) = (segment.segment_number, saved.criteria_number);
            store::segments::criteria::copy_actions(tx, from, to).await?;
            tx.log(Change::CriteriaSaved(to, code.clone()));
            Ok(saved)
        })
        .await
}

/// Lists saved criteria by code, after `after`.
pub(crate) async fn list_criteria(
    domain: &Domain,
    call: &Call,
    after: Option<&CriteriaCode>,
    size: PageSize,
) -> Result<Vec<SavedCriteria>> {
    domain
        .read_of(call, async |conn, tenant_id| {
            Ok(store::segments::criteria::page(conn, tenant_id, after, size).await?)
        })
        .await
}

/// Deletes saved criteria.
pub(crate) async fn delete_criteria(
    domain: &Domain,
    call: &Call,
    code: &CriteriaCode,
) -> Result<Committed<()>> {
    domain
        .write(call, async |tx| {
            let saved = saved(tx, code).await?;
            store::segments::criteria::delete(tx, saved.criteria_number).await?;
            tx.log(Change::CriteriaDeleted(saved.criteria_number, saved.code));
            Ok(())
        })
        .await
}

/// The result of a replay, or of its dry run.
#[derive(Debug, Clone)]
pub(crate) struct ReplayResult {
    /// The segment, and what happened to it over all actions.
    pub(crate) result: ActionResult,
    /// How many actions were run.
    pub(crate) actions: i32,
    /// Contacts named one by one that are gone.
    pub(crate) skipped: u64,
}

/// Runs saved actions on a segment in order, against the present data, or as a dry run.
pub(crate) async fn replay(
    domain: &Domain,
    call: &Call,
    code: &CriteriaCode,
    id: &SegmentId,
    validate_only: bool,
) -> Result<Committed<ReplayResult>> {
    domain
        .read_of(call, async |conn, tenant_id| {
            existing(conn, tenant_id, id).await
        })
        .await?;
    domain
        .write(call, async |tx| {
            let saved = saved(tx, code).await?;
            let mut draft = SegmentDraft::load(domain, tx, id).await?;
            let mut skipped = 0;
            let mut number = 0;
            while number < saved.action_count {
                for criterion in load_chunk(tx, &saved, number).await? {
                    let (criterion, gone) = draft.resolve_contacts(tx, criterion).await?;
                    skipped += gone;
                    let part = SelectionPart::SavedAction(number);
                    draft.apply(domain, tx, part, criterion).await?;
                    number += 1;
                }
            }
            Ok(ReplayResult {
                result: draft.finish(tx, validate_only).await?,
                actions: saved.action_count,
                skipped,
            })
        })
        .await
}

/// Loads the next saved actions.
async fn load_chunk(
    tx: &mut Transaction,
    saved: &SavedCriteria,
    after: i32,
) -> Result<Vec<Criterion>> {
    let tenant_id = tx.tenant_id();
    let number = saved.criteria_number;
    let next = store::segments::criteria::actions(tx, tenant_id, number, after).await?;
    match next.is_empty() {
        true => Err(Error::broken("fewer actions than counted")),
        false => Ok(next),
    }
}

/// The criteria saved under this code, or the error that there are none.
async fn saved(tx: &mut Transaction, code: &CriteriaCode) -> Result<SavedCriteria> {
    let tenant_id = tx.tenant_id();
    let found = store::segments::criteria::find(tx, tenant_id, code).await?;
    found.ok_or_else(|| Error::not_found(Resource::SavedCriteria, code))
}
