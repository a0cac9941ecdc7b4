//! The service `MailingGroups`.

use tonic::{Request, Response, Streaming};

use super::{
    Api, RpcResult, assignments as batches, contact_sizes,
    convert::{apply_field_mask, assignment, optional_kind, to_wire_count},
    field::{etag, required, required_each, required_message},
    import::{self, memberships::MembershipImport},
    lists, members,
    request::{selection_source, split_change, split_request},
    revisions,
    stream::ResponseStream,
    token::ListPage,
    watch,
};
use crate::{
    domain::{contacts, mailing_groups, memberships, selection},
    model::{Code, ContactId, Direction},
    pb::{self, mailing_groups_server::MailingGroups},
};

#[tonic::async_trait]
impl MailingGroups for Api {
    type ImportMembershipsStream = ResponseStream<pb::ImportMembershipsResponse>;
    type StreamSegmentMembersStream = ResponseStream<pb::StreamSegmentMembersResponse>;
    type WatchChangesStream = ResponseStream<pb::WatchChangesResponse>;

    async fn create_mailing_group(
        &self,
        request: Request<pb::CreateMailingGroupRequest>,
    ) -> RpcResult<pb::CreateMailingGroupResponse> {
        let (call, request, key) = split_change(request)?;
        let group = required_message(request.mailing_group, "mailing_group")?.try_into()?;
        let reuse = request.reuse_former;
        let (group, revision) =
            mailing_groups::create(&self.domain, &call, group, reuse, key).await?;
        let mailing_group = Some(group.into());
        Ok(Response::new(pb::CreateMailingGroupResponse {
            mailing_group,
            revision,
        }))
    }

    async fn get_mailing_group(
        &self,
        request: Request<pb::GetMailingGroupRequest>,
    ) -> RpcResult<pb::GetMailingGroupResponse> {
        let (call, request) = split_request(request)?;
        let code = required(&request.code, "code")?;
        let group = mailing_groups::get(&self.domain, &call, &code).await?;
        Ok(Response::new(pb::GetMailingGroupResponse {
            mailing_group: Some(group.into()),
        }))
    }

    async fn batch_get_mailing_groups(
        &self,
        request: Request<pb::BatchGetMailingGroupsRequest>,
    ) -> RpcResult<pb::BatchGetMailingGroupsResponse> {
        lists::batch_get(self, request).await
    }

    async fn list_mailing_groups(
        &self,
        request: Request<pb::ListMailingGroupsRequest>,
    ) -> RpcResult<pb::ListMailingGroupsResponse> {
        lists::list(self, request).await
    }

    async fn update_mailing_group(
        &self,
        request: Request<pb::UpdateMailingGroupRequest>,
    ) -> RpcResult<pb::UpdateMailingGroupResponse> {
        let (call, request, key) = split_change(request)?;
        let group = required_message(request.mailing_group, "mailing_group")?;
        let code = required(&group.code, "mailing_group.code")?;
        let set = [!group.description.is_empty()];
        let [described] = apply_field_mask(
            request.update_mask.as_ref(),
            "update_mask",
            ["description"],
            set,
        )?;
        let description = described
            .then(|| required(&group.description, "mailing_group.description"))
            .transpose()?;
        let (group, revision) = mailing_groups::update(
            &self.domain,
            &call,
            &code,
            description,
            etag(&group.etag),
            key,
        )
        .await?;
        let mailing_group = Some(group.into());
        Ok(Response::new(pb::UpdateMailingGroupResponse {
            mailing_group,
            revision,
        }))
    }

    async fn rename_mailing_group(
        &self,
        request: Request<pb::RenameMailingGroupRequest>,
    ) -> RpcResult<pb::RenameMailingGroupResponse> {
        let (call, request, key) = split_change(request)?;
        let code = required(&request.code, "code")?;
        let new_code = required(&request.new_code, "new_code")?;
        let etag = etag(&request.etag);
        let reuse = request.reuse_former;
        let (group, revision) =
            mailing_groups::rename(&self.domain, &call, &code, &new_code, reuse, etag, key).await?;
        let mailing_group = Some(group.into());
        Ok(Response::new(pb::RenameMailingGroupResponse {
            mailing_group,
            revision,
        }))
    }

    async fn delete_mailing_group(
        &self,
        request: Request<pb::DeleteMailingGroupRequest>,
    ) -> RpcResult<pb::DeleteMailingGroupResponse> {
        let (call, request, key) = split_change(request)?;
        let code = required(&request.code, "code")?;
        let etag = etag(&request.etag);
        let (unassigned, revision) =
            mailing_groups::delete(&self.domain, &call, &code, etag, request.force, key).await?;
        let unassigned_count = to_wire_count(unassigned as u64);
        Ok(Response::new(pb::DeleteMailingGroupResponse {
            unassigned_count,
            revision,
        }))
    }

    async fn assign_mailing_group(
        &self,
        request: Request<pb::AssignMailingGroupRequest>,
    ) -> RpcResult<pb::AssignMailingGroupResponse> {
        let (call, request) = split_request(request)?;
        let item = assignment(&request.contact_id, &request.code, "")?;
        let ((membership, changed), revision) =
            memberships::change_one(&self.domain, &call, item, Direction::Assign).await?;
        Ok(Response::new(pb::AssignMailingGroupResponse {
            membership: Some(membership.into()),
            was_assigned: !changed,
            revision,
        }))
    }

    async fn unassign_mailing_group(
        &self,
        request: Request<pb::UnassignMailingGroupRequest>,
    ) -> RpcResult<pb::UnassignMailingGroupResponse> {
        let (call, request) = split_request(request)?;
        let item = assignment(&request.contact_id, &request.code, "")?;
        let ((_, was_assigned), revision) =
            memberships::change_one(&self.domain, &call, item, Direction::Unassign).await?;
        Ok(Response::new(pb::UnassignMailingGroupResponse {
            was_assigned,
            revision,
        }))
    }

    async fn batch_assign_mailing_groups(
        &self,
        request: Request<pb::BatchAssignMailingGroupsRequest>,
    ) -> RpcResult<pb::BatchAssignMailingGroupsResponse> {
        let (call, request, key) = split_change(request)?;
        let items = batches::read(&request.assignments);
        let done = batches::change(&self.domain, &call, items, Direction::Assign, key).await?;
        Ok(Response::new(pb::BatchAssignMailingGroupsResponse {
            results: done.results,
            changed_count: done.changed,
            revision: done.revision,
        }))
    }

    async fn batch_unassign_mailing_groups(
        &self,
        request: Request<pb::BatchUnassignMailingGroupsRequest>,
    ) -> RpcResult<pb::BatchUnassignMailingGroupsResponse> {
        let (call, request, key) = split_change(request)?;
        let items = batches::read(&request.assignments);
        let done = batches::change(&self.domain, &call, items, Direction::Unassign, key).await?;
        Ok(Response::new(pb::BatchUnassignMailingGroupsResponse {
            results: done.results,
            changed_count: done.changed,
            revision: done.revision,
        }))
    }

    async fn replace_contact_mailing_groups(
        &self,
        request: Request<pb::ReplaceContactMailingGroupsRequest>,
    ) -> RpcResult<pb::ReplaceContactMailingGroupsResponse> {
        let (call, request, key) = split_change(request)?;
        let contact_id = required(&request.contact_id, "contact_id")?;
        let codes = required_each::<Code>(&request.codes, "codes")?;
        let etag = etag(&request.etag);
        let (replaced, revision) =
            memberships::replace(&self.domain, &call, &contact_id, &codes, etag, key).await?;
        Ok(Response::new(pb::ReplaceContactMailingGroupsResponse {
            contact: Some(replaced.contact.into()),
            added_codes: replaced.added.into_iter().map(Into::into).collect(),
            removed_codes: replaced.removed.into_iter().map(Into::into).collect(),
            revision,
        }))
    }

    async fn list_contact_mailing_groups(
        &self,
        request: Request<pb::ListContactMailingGroupsRequest>,
    ) -> RpcResult<pb::ListContactMailingGroupsResponse> {
        lists::list_of_contact(self, request).await
    }

    async fn list_mailing_group_contacts(
        &self,
        request: Request<pb::ListMailingGroupContactsRequest>,
    ) -> RpcResult<pb::ListMailingGroupContactsResponse> {
        let (call, mut request) = split_request(request)?;
        let page = ListPage::<ContactId>::take(&call, &mut request)?;
        let filter = contacts::ListFilter {
            code: Some(required(&request.code, "code")?),
            kind: optional_kind(request.kind, "kind")?,
            ..contacts::ListFilter::default()
        };
        let found =
            contacts::list(&self.domain, &call, filter, page.after.as_ref(), page.size).await?;
        let (contacts, next_page_token) = contact_sizes::list_page(&page, found);
        Ok(Response::new(pb::ListMailingGroupContactsResponse {
            contacts,
            next_page_token,
        }))
    }

    async fn import_memberships(
        &self,
        request: Request<Streaming<pb::ImportMembershipsRequest>>,
    ) -> RpcResult<Self::ImportMembershipsStream> {
        let (call, requests) = split_request(request)?;
        let (domain, shutdown) = (self.domain.clone(), self.shutdown.clone());
        let answers = import::run::<MembershipImport>(domain, call, requests, shutdown);
        Ok(Response::new(answers))
    }

    async fn count_segment_members(
        &self,
        request: Request<pb::CountSegmentMembersRequest>,
    ) -> RpcResult<pb::CountSegmentMembersResponse> {
        let (call, request) = split_request(request)?;
        let source = selection_source(request.selection, "selection")?;
        let selection = selection::select(&self.domain, &call, &source).await?;
        Ok(Response::new(selection.counts.into()))
    }

    async fn stream_segment_members(
        &self,
        request: Request<pb::StreamSegmentMembersRequest>,
    ) -> RpcResult<Self::StreamSegmentMembersStream> {
        let (call, request) = split_request(request)?;
        let stream =
            members::stream(self.domain.clone(), call, request, self.shutdown.clone()).await?;
        Ok(Response::new(stream))
    }

    async fn list_revisions(
        &self,
        request: Request<pb::ListRevisionsRequest>,
    ) -> RpcResult<pb::ListRevisionsResponse> {
        revisions::list(self, request).await
    }

    async fn watch_changes(
        &self,
        request: Request<pb::WatchChangesRequest>,
    ) -> RpcResult<Self::WatchChangesStream> {
        let (call, request) = split_request(request)?;
        let stream =
            watch::stream(self.domain.clone(), call, request, self.shutdown.clone()).await?;
        Ok(Response::new(stream))
    }
}
