//! The list of revisions.

use tonic::{Request, Response};

use super::{
    Api, RpcResult, caller::actors, convert::timestamp, field::optional, request::split_request,
    token::ListPage,
};
use crate::{
    domain::revisions::{self, ChangeSummary, RevisionFilter, RevisionSummary},
    model::{ChangeKind, Revision},
    pb::{self, RevisionChangeKind},
};

/// Revisions in a page: with 20 changes of 10 contacts each, more would not fit in a message.
const MAX_PAGE: i32 = 200;

/// Handles `ListRevisions`.
pub(super) async fn list(
    api: &Api,
    request: Request<pb::ListRevisionsRequest>,
) -> RpcResult<pb::ListRevisionsResponse> {
    let (call, mut request) = split_request(request)?;
    let page = ListPage::<Revision>::take_up_to(MAX_PAGE, &call, &mut request)?;
    let filter = RevisionFilter {
        contact_id: optional(&request.contact_id, "contact_id")?,
        code: optional(&request.code, "code")?,
    };
    let found = revisions::list(&api.domain, &call, &filter, page.after, page.size).await?;
    let next = found.next.map(|next| page.token_after(&next));
    Ok(Response::new(pb::ListRevisionsResponse {
        revisions: found.revisions.into_iter().map(Into::into).collect(),
        next_page_token: next.unwrap_or_default(),
    }))
}

impl From<RevisionSummary> for pb::Revision {
    fn from(summary: RevisionSummary) -> Self {
        Self {
            revision: summary.revision,
            commit_time: Some(timestamp(summary.commit_time)),
            request_id: summary.request_id,
            actors: actors(&summary.actors),
            changes: summary.changes.into_iter().map(Into::into).collect(),
            change_count: summary.change_count,
        }
    }
}

impl From<ChangeSummary> for pb::RevisionChange {
    fn from(change: ChangeSummary) -> Self {
        Self {
            kind: RevisionChangeKind::from(change.kind).into(),
            name: change.name,
            former_code: change.former_code,
            contact_count: change.contact_count.into(),
            contact_ids: change.contact_ids,
        }
    }
}

impl From<ChangeKind> for RevisionChangeKind {
    fn from(kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::GroupCreated => Self::MailingGroupCreated,
            ChangeKind::GroupRenamed => Self::MailingGroupRenamed,
            ChangeKind::GroupUpdated => Self::MailingGroupUpdated,
            ChangeKind::ContactsCreated => Self::ContactsCreated,
            ChangeKind::ContactsUpdated => Self::ContactsUpdated,
            ChangeKind::MembersAdded => Self::MembersAdded,
            ChangeKind::MembersRemoved => Self::MembersRemoved,
            ChangeKind::ContactsDeleted => Self::ContactsDeleted,
            ChangeKind::GroupDeleted => Self::MailingGroupDeleted,
            ChangeKind::SegmentCreated => Self::SegmentCreated,
            ChangeKind::SegmentUpdated => Self::SegmentUpdated,
            ChangeKind::SegmentDeleted => Self::SegmentDeleted,
            ChangeKind::CriteriaSaved => Self::SavedCriteriaCreated,
            ChangeKind::CriteriaDeleted => Self::SavedCriteriaDeleted,
        }
    }
}
