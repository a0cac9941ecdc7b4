//! The service `MailingGroups`.

use futures_util::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::{
    Api, batch,
    call::{once, open},
    convert::{assignment, masked, optional_kind, signed},
    field::*,
    import::{self, memberships::MembershipImport},
    members, selected,
    token::Binding,
    watch,
};
use crate::{
    domain::{
        assignments::{self, Direction},
        contacts, mailing_groups, selection,
    },
    model::{Code, ContactId, MailingGroup},
    pb::{self, mailing_groups_server::MailingGroups},
};

/// What a handler answers.
type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl MailingGroups for Api {
    type ImportMembershipsStream =
        BoxStream<'static, Result<pb::ImportMembershipsResponse, Status>>;
    type StreamSegmentMembersStream =
        BoxStream<'static, Result<pb::StreamSegmentMembersResponse, Status>>;
    type WatchChangesStream = BoxStream<'static, Result<pb::WatchChangesResponse, Status>>;

    async fn create_mailing_group(
        &self,
        request: Request<pb::CreateMailingGroupRequest>,
    ) -> Answer<pb::CreateMailingGroupResponse> {
        let (call, mut request) = open(request)?;
        let once = once("CreateMailingGroup", &mut request, |r| &mut r.request_id)?;
        let group = present(request.mailing_group, "mailing_group")?.try_into()?;
        let (group, revision) = mailing_groups::create(&self.domain, &call, group, once).await?;
        let mailing_group = Some(group.into());
        Ok(Response::new(pb::CreateMailingGroupResponse {
            mailing_group,
            revision,
        }))
    }

    async fn get_mailing_group(
        &self,
        request: Request<pb::GetMailingGroupRequest>,
    ) -> Answer<pb::GetMailingGroupResponse> {
        let (call, request) = open(request)?;
        let code = required(&request.code, "code")?;
        let group = mailing_groups::get(&self.domain, &call, &code).await?;
        Ok(Response::new(pb::GetMailingGroupResponse {
            mailing_group: Some(group.into()),
        }))
    }

    async fn list_mailing_groups(
        &self,
        request: Request<pb::ListMailingGroupsRequest>,
    ) -> Answer<pb::ListMailingGroupsResponse> {
        let (call, mut request) = open(request)?;
        let size = page_size(std::mem::take(&mut request.page_size))?;
        let token = std::mem::take(&mut request.page_token);
        let binding = Binding::new("ListMailingGroups", &call, &request);
        let after = binding.read::<Code>(&token, "page_token")?;
        let prefix = Code::normalize(&searched(request.prefix, "prefix")?);
        let mut groups =
            mailing_groups::list(&self.domain, &call, &prefix, after.as_ref(), size).await?;
        let next_page_token = binding.next(&mut groups, size, |group| group.code.as_str());
        Ok(Response::new(pb::ListMailingGroupsResponse {
            mailing_groups: messages(groups),
            next_page_token,
        }))
    }

    async fn update_mailing_group(
        &self,
        request: Request<pb::UpdateMailingGroupRequest>,
    ) -> Answer<pb::UpdateMailingGroupResponse> {
        let (call, request) = open(request)?;
        let group = present(request.mailing_group, "mailing_group")?;
        let code = required(&group.code, "mailing_group.code")?;
        let set = [!group.description.is_empty()];
        let [described] = masked(request.update_mask.as_ref(), ["description"], set)?;
        let description = described
            .then(|| required(&group.description, "mailing_group.description"))
            .transpose()?;
        let (group, revision) =
            mailing_groups::update(&self.domain, &call, &code, description, etag(&group.etag))
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
    ) -> Answer<pb::RenameMailingGroupResponse> {
        let (call, request) = open(request)?;
        let code = required(&request.code, "code")?;
        let new_code = required(&request.new_code, "new_code")?;
        let etag = etag(&request.etag);
        let (group, revision) =
            mailing_groups::rename(&self.domain, &call, &code, &new_code, etag).await?;
        let mailing_group = Some(group.into());
        Ok(Response::new(pb::RenameMailingGroupResponse {
            mailing_group,
            revision,
        }))
    }

    async fn delete_mailing_group(
        &self,
        request: Request<pb::DeleteMailingGroupRequest>,
    ) -> Answer<pb::DeleteMailingGroupResponse> {
        let (call, request) = open(request)?;
        let code = required(&request.code, "code")?;
        let etag = etag(&request.etag);
        let (unassigned, revision) =
            mailing_groups::delete(&self.domain, &call, &code, etag, request.force).await?;
        let unassigned_count = signed(unassigned as u64);
        Ok(Response::new(pb::DeleteMailingGroupResponse {
            unassigned_count,
            revision,
        }))
    }

    async fn assign_mailing_group(
        &self,
        request: Request<pb::AssignMailingGroupRequest>,
    ) -> Answer<pb::AssignMailingGroupResponse> {
        let (call, request) = open(request)?;
        let item = assignment(&request.contact_id, &request.code, "")?;
        let ((membership, changed), revision) =
            assignments::change_one(&self.domain, &call, item, Direction::Assign).await?;
        Ok(Response::new(pb::AssignMailingGroupResponse {
            membership: Some(membership.into()),
            already_assigned: !changed,
            revision,
        }))
    }

    async fn unassign_mailing_group(
        &self,
        request: Request<pb::UnassignMailingGroupRequest>,
    ) -> Answer<pb::UnassignMailingGroupResponse> {
        let (call, request) = open(request)?;
        let item = assignment(&request.contact_id, &request.code, "")?;
        let ((_, was_assigned), revision) =
            assignments::change_one(&self.domain, &call, item, Direction::Unassign).await?;
        Ok(Response::new(pb::UnassignMailingGroupResponse {
            was_assigned,
            revision,
        }))
    }

    async fn batch_assign_mailing_groups(
        &self,
        request: Request<pb::BatchAssignMailingGroupsRequest>,
    ) -> Answer<pb::BatchAssignMailingGroupsResponse> {
        let (call, mut request) = open(request)?;
        let once = once("BatchAssignMailingGroups", &mut request, |r| {
            &mut r.request_id
        })?;
        let items = batch::read(&request.assignments)?;
        let done = batch::change(&self.domain, &call, items, Direction::Assign, once).await?;
        Ok(Response::new(pb::BatchAssignMailingGroupsResponse {
            results: done.results,
            changed_count: done.changed,
            revision: done.revision,
        }))
    }

    async fn batch_unassign_mailing_groups(
        &self,
        request: Request<pb::BatchUnassignMailingGroupsRequest>,
    ) -> Answer<pb::BatchUnassignMailingGroupsResponse> {
        let (call, mut request) = open(request)?;
        let once = once("BatchUnassignMailingGroups", &mut request, |r| {
            &mut r.request_id
        })?;
        let items = batch::read(&request.assignments)?;
        let done = batch::change(&self.domain, &call, items, Direction::Unassign, once).await?;
        Ok(Response::new(pb::BatchUnassignMailingGroupsResponse {
            results: done.results,
            changed_count: done.changed,
            revision: done.revision,
        }))
    }

    async fn replace_contact_mailing_groups(
        &self,
        request: Request<pb::ReplaceContactMailingGroupsRequest>,
    ) -> Answer<pb::ReplaceContactMailingGroupsResponse> {
        let (call, request) = open(request)?;
        let contact_id = required(&request.contact_id, "contact_id")?;
        batch(&request.codes, "codes")?;
        let codes = request.codes.iter().enumerate();
        let codes = codes.map(|(at, code)| required(code, &format!("codes[{at}]")));
        let codes = codes.collect::<Result<Vec<Code>, _>>()?;
        let etag = etag(&request.etag);
        let (replaced, revision) =
            assignments::replace(&self.domain, &call, &contact_id, &codes, etag).await?;
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
    ) -> Answer<pb::ListContactMailingGroupsResponse> {
        let (call, mut request) = open(request)?;
        let size = page_size(std::mem::take(&mut request.page_size))?;
        let token = std::mem::take(&mut request.page_token);
        let binding = Binding::new("ListContactMailingGroups", &call, &request);
        let after = binding.read::<Code>(&token, "page_token")?;
        let contact_id = required(&request.contact_id, "contact_id")?;
        let mut groups =
            mailing_groups::list_of_contact(&self.domain, &call, &contact_id, after.as_ref(), size)
                .await?;
        let next_page_token = binding.next(&mut groups, size, |group| group.code.as_str());
        Ok(Response::new(pb::ListContactMailingGroupsResponse {
            mailing_groups: messages(groups),
            next_page_token,
        }))
    }

    async fn list_mailing_group_contacts(
        &self,
        request: Request<pb::ListMailingGroupContactsRequest>,
    ) -> Answer<pb::ListMailingGroupContactsResponse> {
        let (call, mut request) = open(request)?;
        let size = page_size(std::mem::take(&mut request.page_size))?;
        let token = std::mem::take(&mut request.page_token);
        let binding = Binding::new("ListMailingGroupContacts", &call, &request);
        let after = binding.read::<ContactId>(&token, "page_token")?;
        let filter = contacts::Filter {
            code: Some(required(&request.code, "code")?),
            kind: optional_kind(request.kind, "kind")?,
            ..contacts::Filter::default()
        };
        let mut found = contacts::list(&self.domain, &call, filter, after.as_ref(), size).await?;
        let next_page_token = binding.next(&mut found, size, |contact| contact.id.as_str());
        let contacts = found.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListMailingGroupContactsResponse {
            contacts,
            next_page_token,
        }))
    }

    async fn import_memberships(
        &self,
        request: Request<Streaming<pb::ImportMembershipsRequest>>,
    ) -> Answer<Self::ImportMembershipsStream> {
        let (call, requests) = open(request)?;
        let (domain, shutdown) = (self.domain.clone(), self.shutdown.clone());
        let answers = import::run::<MembershipImport>(domain, call, requests, shutdown);
        Ok(Response::new(answers))
    }

    async fn count_segment_members(
        &self,
        request: Request<pb::CountSegmentMembersRequest>,
    ) -> Answer<pb::CountSegmentMembersResponse> {
        let (call, request) = open(request)?;
        let source = selected::counted(request)?;
        let selection = selection::select(&self.domain, &call, &source).await?;
        Ok(Response::new(selection.counts.into()))
    }

    async fn stream_segment_members(
        &self,
        request: Request<pb::StreamSegmentMembersRequest>,
    ) -> Answer<Self::StreamSegmentMembersStream> {
        let (call, request) = open(request)?;
        let stream =
            members::stream(self.domain.clone(), call, request, self.shutdown.clone()).await?;
        Ok(Response::new(stream))
    }

    async fn watch_changes(
        &self,
        request: Request<pb::WatchChangesRequest>,
    ) -> Answer<Self::WatchChangesStream> {
        let (call, request) = open(request)?;
        let stream =
            watch::stream(self.domain.clone(), call, request, self.shutdown.clone()).await?;
        Ok(Response::new(stream))
    }
}

fn messages(groups: Vec<MailingGroup>) -> Vec<pb::MailingGroup> {
    groups.into_iter().map(Into::into).collect()
}
