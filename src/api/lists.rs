//! Reading many groups: by code, in pages, and those of a contact.

use std::collections::HashMap;

use tonic::{Request, Response};

use super::{
    Api, RpcResult,
    field::{Field, required, required_each, search_text},
    request::split_request,
    token::ListPage,
};
use crate::{
    domain::mailing_groups,
    model::{Code, GroupOrder, GroupPosition, MailingGroup, search::fold_code},
    pb,
};

/// Handles `BatchGetMailingGroups`.
pub(super) async fn batch_get(
    api: &Api,
    request: Request<pb::BatchGetMailingGroupsRequest>,
) -> RpcResult<pb::BatchGetMailingGroupsResponse> {
    let (call, request) = split_request(request)?;
    let codes = required_each(&request.codes, "codes")?;
    let found = mailing_groups::get_all(&api.domain, &call, codes).await?;
    Ok(Response::new(pb::BatchGetMailingGroupsResponse {
        mailing_groups: messages(found.found),
        missing_codes: found.missing.into_iter().map(Into::into).collect(),
        current_codes: current_names(found.current),
    }))
}

/// Handles `ListMailingGroups`.
pub(super) async fn list(
    api: &Api,
    request: Request<pb::ListMailingGroupsRequest>,
) -> RpcResult<pb::ListMailingGroupsResponse> {
    let (call, mut request) = split_request(request)?;
    let page = ListPage::<GroupPosition>::take(&call, &mut request)?;
    let prefix = fold_code(&search_text(request.prefix, "prefix")?);
    let order: GroupOrder = request.order_by.parse().field("order_by")?;
    let after = page.after.as_ref();
    let mut groups =
        mailing_groups::list(&api.domain, &call, &prefix, order, after, page.size).await?;
    let last = page.truncate(&mut groups);
    let next = last.map(|group| page.token_after(&GroupPosition::of(group, order)));
    let next_page_token = next.unwrap_or_default();
    Ok(Response::new(pb::ListMailingGroupsResponse {
        mailing_groups: messages(groups),
        next_page_token,
    }))
}

/// Handles `ListContactMailingGroups`.
pub(super) async fn list_of_contact(
    api: &Api,
    request: Request<pb::ListContactMailingGroupsRequest>,
) -> RpcResult<pb::ListContactMailingGroupsResponse> {
    let (call, mut request) = split_request(request)?;
    let page = ListPage::<Code>::take(&call, &mut request)?;
    let id = required(&request.contact_id, "contact_id")?;
    let after = page.after.as_ref();
    let mut groups =
        mailing_groups::list_of_contact(&api.domain, &call, &id, after, page.size).await?;
    let next_page_token = page.next_token(&mut groups, |group| &group.code);
    Ok(Response::new(pb::ListContactMailingGroupsResponse {
        mailing_groups: messages(groups),
        next_page_token,
    }))
}

/// The present names of missing resources, by the missing ones.
pub(super) fn current_names<K: Into<String>>(current: HashMap<K, K>) -> HashMap<String, String> {
    let current = current.into_iter();
    current
        .map(|(missing, it)| (missing.into(), it.into()))
        .collect()
}

fn messages(groups: Vec<MailingGroup>) -> Vec<pb::MailingGroup> {
    groups.into_iter().map(Into::into).collect()
}
