//! Saved criteria: the actions of a segment, to be run again.

use super::{ActionResult, actions::named_contacts, current, draft::SegmentDraft, existing};
use crate::{
    domain::{
        Call, Committed, Domain, Error, IdempotencyKey, Precondition, Resource, Result,
        selection::SelectionPart,
    },
    model::{
        Change, ContactId, CriteriaCode, Criterion, Description, PageSize, SavedCriteria,
        SegmentId, Selector, TenantId,
    },
    store::{self, Connection},
};

/// After how many bytes a page of saved actions ends, so that it fits in a message.
const MAX_PAGE_BYTES: usize = 1 << 20;

/// Saves all actions of a segment under a code.
pub(crate) async fn save_criteria(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    code: &CriteriaCode,
    description: &Description,
    etag: Option<&str>,
    key: Option<IdempotencyKey>,
) -> Result<Committed<SavedCriteria>> {
    domain
        .write_once(call, key, async |tx| {
            let (segment, _) = current(tx, id, etag).await?;
            if segment.action_count == 0 {
                return Err(Error::Precondition(Precondition::NoActions(segment.id)));
            }
            let number = tx
                .take_criteria_number()
                .map_err(Error::no_number(Resource::SavedCriteria))?;
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

/// An action of saved criteria.
pub(crate) struct SavedAction {
    /// Its place in the criteria, from 1.
    pub(crate) number: i32,
    /// What it does, and to whom.
    pub(crate) criterion: Criterion,
    /// The contacts that it names and that still exist.
    pub(crate) contact_ids: Vec<ContactId>,
}

impl SavedAction {
    /// About how many bytes it takes in a message.
    fn bytes(&self) -> usize {
        let expression = match &self.criterion.selector {
            Selector::Expression(expression) => expression.text().len(),
            Selector::Contacts(_) => 0,
        };
        let ids = self.contact_ids.iter().map(|id| id.as_str().len() + 2);
        32 + expression + ids.sum::<usize>()
    }
}

/// Reads saved criteria and a page of their actions, after the one numbered `after`. The page ends
/// early after [`MAX_PAGE_BYTES`].
pub(crate) async fn get_criteria(
    domain: &Domain,
    call: &Call,
    code: &CriteriaCode,
    after: i32,
    size: PageSize,
) -> Result<(SavedCriteria, Vec<SavedAction>)> {
    let (mut actions, mut bytes) = (Vec::new(), 0);
    loop {
        let number = after + i32::try_from(actions.len()).unwrap_or(i32::MAX);
        let read = domain.read_of(call, async |conn, tenant_id| {
            let saved = saved(conn, tenant_id, code).await?;
            let next = load_chunk(conn, tenant_id, &saved, number).await?;
            Ok((saved, next))
        });
        let (saved, next) = read.await?;
        for (number, mut criterion) in (number + 1..).zip(next) {
            let selector = &mut criterion.selector;
            let action = SavedAction {
                number,
                contact_ids: named_contacts(domain, call, selector, usize::MAX).await?,
                criterion,
            };
            bytes += action.bytes();
            actions.push(action);
            let is_full = bytes > MAX_PAGE_BYTES || actions.len() == size.get();
            if is_full || number == saved.action_count {
                return Ok((saved, actions));
            }
        }
    }
}

/// Lists saved criteria by code, after `after`.
pub(crate) async fn list_criteria(
    domain: &Domain,
    call: &Call,
    after: Option<&CriteriaCode>,
    size: PageSize,
) -> Result<Vec<SavedCriteria>> {
    domain
        .read_via_replica_of(call, async |conn, tenant_id| {
            Ok(store::segments::criteria::page(conn, tenant_id, after, size).await?)
        })
        .await
}

/// Deletes saved criteria.
pub(crate) async fn delete_criteria(
    domain: &Domain,
    call: &Call,
    code: &CriteriaCode,
    key: Option<IdempotencyKey>,
) -> Result<Committed<()>> {
    domain
        .write_once(call, key, async |tx| {
            let tenant_id = tx.tenant_id();
            let saved = saved(tx, tenant_id, code).await?;
            store::segments::criteria::delete(tx, saved.criteria_number).await?;
            tx.log(Change::CriteriaDeleted(saved.criteria_number, saved.code));
            Ok(())
        })
        .await
}

/// The result of a replay.
#[derive(Debug, Clone)]
pub(crate) struct ReplayResult {
    /// The segment, and what happened to it over all actions.
    pub(crate) result: ActionResult,
    /// How many actions were run.
    pub(crate) actions: i32,
    /// Contacts named one by one that are gone.
    pub(crate) skipped: u64,
}

/// Runs saved actions on a segment in order, against the present data.
pub(crate) async fn replay(
    domain: &Domain,
    call: &Call,
    code: &CriteriaCode,
    id: &SegmentId,
    etag: Option<&str>,
    key: Option<IdempotencyKey>,
) -> Result<Committed<ReplayResult>> {
    if let Some(done) = domain.recall_done(call, key.as_ref()).await? {
        return Ok(done);
    }
    domain
        .read_of(call, async |conn, tenant_id| {
            existing(conn, tenant_id, id).await
        })
        .await?;
    domain
        .write_once(call, key, async |tx| {
            let tenant_id = tx.tenant_id();
            let saved = saved(tx, tenant_id, code).await?;
            let mut draft = SegmentDraft::load(domain, tx, id, etag).await?;
            let mut skipped = 0;
            let mut number = 0;
            while number < saved.action_count {
                for criterion in load_chunk(tx, tenant_id, &saved, number).await? {
                    let (criterion, gone) = draft.resolve_contacts(tx, criterion).await?;
                    skipped += gone;
                    let part = SelectionPart::SavedAction(number);
                    draft.apply(domain, tx, part, criterion).await?;
                    number += 1;
                }
            }
            Ok(ReplayResult {
                result: draft.finish(tx).await?,
                actions: saved.action_count,
                skipped,
            })
        })
        .await
}

/// Loads the next saved actions.
async fn load_chunk(
    conn: &mut Connection,
    tenant_id: TenantId,
    saved: &SavedCriteria,
    after: i32,
) -> Result<Vec<Criterion>> {
    let number = saved.criteria_number;
    let next = store::segments::criteria::actions(conn, tenant_id, number, after).await?;
    match next.is_empty() {
        true => Err(Error::broken("fewer actions than counted")),
        false => Ok(next),
    }
}

/// The criteria saved under this code, or the error that there are none.
async fn saved(
    conn: &mut Connection,
    tenant_id: TenantId,
    code: &CriteriaCode,
) -> Result<SavedCriteria> {
    let found = store::segments::criteria::find(conn, tenant_id, code).await?;
    found.ok_or_else(|| Error::not_found(Resource::SavedCriteria, code))
}
