//! What becomes of contacts that are on segments.

use crate::{
    domain::{Error, Precondition, Result},
    model::{Change, Contact},
    store::{self, Transaction, segments::merges},
};

/// How many segments an error names.
const MAX_NAMED_SEGMENTS: usize = 20;

/// Refuses a contact that is on a segment.
pub(in crate::domain) async fn require_on_no_segment(
    tx: &mut Transaction,
    contact: &Contact,
) -> Result<()> {
    let tenant_id = tx.tenant_id();
    let aliases = merges::aliases(tx, tenant_id, contact.contact_number).await?;
    let holding = store::segments::holding(tx, tenant_id, &aliases).await?;
    if holding.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(holding.len()).unwrap_or(i64::MAX);
    let segments = holding
        .into_iter()
        .take(MAX_NAMED_SEGMENTS)
        .map(|(_, id)| id)
        .collect();
    Err(Error::Precondition(Precondition::ContactOnSegments {
        id: contact.id.clone(),
        count,
        segments,
    }))
}

/// Lets one contact take the place of another on all segments, in their history and in saved
/// criteria.
pub(in crate::domain) async fn redirect_merged(
    tx: &mut Transaction,
    merged: &Contact,
    kept: &Contact,
) -> Result<()> {
    let tenant_id = tx.tenant_id();
    let aliases = merges::aliases(tx, tenant_id, merged.contact_number).await?;
    let holding = store::segments::holding(tx, tenant_id, &aliases).await?;
    merges::redirect(tx, merged.contact_number, kept.contact_number).await?;
    merges::insert(tx, merged.contact_number, kept.contact_number).await?;
    let numbers: Vec<i32> = holding.iter().map(|(number, _)| *number).collect();
    if !numbers.is_empty() {
        store::segments::touch(tx, &numbers).await?;
    }
    for (number, id) in holding {
        tx.log(Change::SegmentUpdated(number, id));
    }
    Ok(())
}
