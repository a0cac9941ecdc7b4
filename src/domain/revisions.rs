//! Listing what each revision changed.

use super::{Call, Domain, Result};
pub(crate) use crate::store::log::{ChangeSummary, RevisionFilter, RevisionSummary};
use crate::{
    model::{PageSize, Revision},
    store::log,
};

/// How many revisions one page looks through.
const MAX_SCANNED: Revision = 10_000;

/// A page of revisions, newest first.
pub(crate) struct RevisionPage {
    pub(crate) revisions: Vec<RevisionSummary>,
    /// The next page has the revisions before this one.
    pub(crate) next: Option<Revision>,
}

/// Lists revisions of the kept history with changes that match, newest first, before `before`.
pub(crate) async fn list(
    domain: &Domain,
    call: &Call,
    filter: &RevisionFilter,
    before: Option<Revision>,
    size: PageSize,
) -> Result<RevisionPage> {
    let _permit = domain.page_permit(call).await;
    // Pruning makes no revision, so a replica may show more of the history.
    domain
        .read_of(call, async |conn, tenant_id| {
            let (commit, start) = log::bounds(conn, tenant_id).await?;
            let before = before.unwrap_or(commit.revision + 1);
            let after = start.max(before.saturating_sub(MAX_SCANNED + 1));
            let range = (after, before);
            let revisions = log::revisions(conn, tenant_id, filter, range, size).await?;
            let full = revisions.last().filter(|_| revisions.len() == size.get());
            let next = full.map_or(after + 1, |last| last.revision);
            let next = Some(next).filter(|next| *next > start + 1);
            Ok(RevisionPage { revisions, next })
        })
        .await
}
