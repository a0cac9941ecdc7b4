//! Selecting contacts: set algebra over ContactSets, exact at one revision.

mod leaves;
mod pages;

use std::sync::Arc;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use self::leaves::Leaves;
pub use self::pages::{Member, Page, Pages, View};
use super::{Call, Domain, Result};
use crate::{
    model::{ContactSet, Expression, SegmentCounts, SelectionOptions, TenantId},
    store,
};

/// Who was selected, and how many.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The contacts.
    pub members: Arc<ContactSet>,
    /// How many they are and how many were left out.
    pub counts: SegmentCounts,
}

/// Selects contacts. Everything is read at one revision, which is not older than the call.
pub async fn select(
    domain: &Domain,
    call: &Call,
    expression: &Expression,
    options: SelectionOptions,
) -> Result<Selection> {
    domain
        .read_of(call, async |conn, tenant_id| {
            conn.batch_execute(store::selection::BEGIN).await?;
            let outcome = evaluate(conn, tenant_id, expression, options).await;
            // Nothing was written: how the transaction ends makes no difference.
            conn.batch_execute(store::selection::END).await?;
            outcome
        })
        .await
}

async fn evaluate(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    expression: &Expression,
    options: SelectionOptions,
) -> Result<Selection> {
    let revision = store::changes::revision(conn, tenant_id).await?;
    let mut leaves = Leaves::new(conn, tenant_id);
    leaves.load(expression).await?;
    let everyone = leaves.everyone().await?;
    let matches = expression.evaluate(&everyone, |operand| {
        Ok::<_, super::Error>(leaves.get(operand))
    })?;
    let reached = leaves.reach(matches, options).await?;
    let privacy_blocked = match options.include_privacy_blocked {
        true => ContactSet::new(),
        false => &*reached & &leaves.privacy_blocked().await?,
    };
    let kept = &*reached - &privacy_blocked;
    let excluded = match options.include_excluded {
        true => ContactSet::new(),
        false => &kept & &leaves.excluded().await?,
    };
    let members = kept - &excluded;
    let counts = SegmentCounts {
        members: members.len(),
        companies: members.intersection_len(&leaves.companies().await?),
        excluded: excluded.len(),
        privacy_blocked: privacy_blocked.len(),
        revision,
    };
    Ok(Selection {
        members: Arc::new(members),
        counts,
    })
}
