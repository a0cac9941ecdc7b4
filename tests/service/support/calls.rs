//! Short forms of the calls of a tenant.

use mailing_groups::pb::{self, segments_client::SegmentsClient};
use prost_types::FieldMask;
use tonic::{Response, Status};

use super::{Server, Tenant, assert_consistent, tenant::Transport};

/// The result of a call.
pub(crate) type Answer<T> = Result<T, Status>;

/// A field mask.
pub(crate) fn mask(paths: &[&str]) -> Option<FieldMask> {
    let paths = paths.iter().map(ToString::to_string).collect();
    Some(FieldMask { paths })
}

/// Items of a batch or an import.
pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<pb::Assignment> {
    let pair = |(contact_id, code): &(&str, &str)| pb::Assignment {
        contact_id: (*contact_id).into(),
        code: (*code).into(),
    };
    pairs.iter().map(pair).collect()
}

/// A new group.
pub(crate) fn new_group(code: &str, description: &str) -> pb::MailingGroup {
    pb::MailingGroup {
        code: code.into(),
        description: description.into(),
        ..Default::default()
    }
}

impl Tenant {
    /// Panics if the tables of this tenant of the shared server do not agree.
    pub(crate) async fn assert_consistent(&self) {
        assert_consistent(&Server::shared().await.database_url, &self.name).await;
    }

    pub(crate) async fn create_group(
        &mut self,
        group: pb::MailingGroup,
        request_id: &str,
    ) -> Answer<pb::CreateMailingGroupResponse> {
        let request = pb::CreateMailingGroupRequest {
            mailing_group: Some(group),
            request_id: request_id.into(),
            ..Default::default()
        };
        Ok(self
            .groups
            .create_mailing_group(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn update_group(
        &mut self,
        group: pb::MailingGroup,
        update_mask: Option<FieldMask>,
    ) -> Answer<pb::UpdateMailingGroupResponse> {
        let request = pb::UpdateMailingGroupRequest {
            mailing_group: Some(group),
            update_mask,
            ..Default::default()
        };
        Ok(self
            .groups
            .update_mailing_group(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn rename(
        &mut self,
        code: &str,
        new_code: &str,
        etag: &str,
    ) -> Answer<pb::RenameMailingGroupResponse> {
        let request = pb::RenameMailingGroupRequest {
            code: code.into(),
            new_code: new_code.into(),
            etag: etag.into(),
            ..Default::default()
        };
        Ok(self
            .groups
            .rename_mailing_group(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn delete_group(
        &mut self,
        code: &str,
        etag: &str,
        force: bool,
    ) -> Answer<pb::DeleteMailingGroupResponse> {
        let request = pb::DeleteMailingGroupRequest {
            code: code.into(),
            etag: etag.into(),
            force,
            ..Default::default()
        };
        Ok(self
            .groups
            .delete_mailing_group(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn unassign(
        &mut self,
        contact_id: &str,
        code: &str,
    ) -> Answer<pb::UnassignMailingGroupResponse> {
        let request = pb::UnassignMailingGroupRequest {
            contact_id: contact_id.into(),
            code: code.into(),
        };
        Ok(self
            .groups
            .unassign_mailing_group(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn batch_assign(
        &mut self,
        assignments: Vec<pb::Assignment>,
        request_id: &str,
    ) -> Answer<pb::BatchAssignMailingGroupsResponse> {
        let request = pb::BatchAssignMailingGroupsRequest {
            assignments,
            request_id: request_id.into(),
            ..Default::default()
        };
        let response = self.groups.batch_assign_mailing_groups(request).await?;
        Ok(response.into_inner())
    }

    pub(crate) async fn batch_unassign(
        &mut self,
        assignments: Vec<pb::Assignment>,
        request_id: &str,
    ) -> Answer<pb::BatchUnassignMailingGroupsResponse> {
        let request = pb::BatchUnassignMailingGroupsRequest {
            assignments,
            request_id: request_id.into(),
            ..Default::default()
        };
        let response = self.groups.batch_unassign_mailing_groups(request).await?;
        Ok(response.into_inner())
    }

    pub(crate) async fn replace(
        &mut self,
        contact_id: &str,
        codes: &[&str],
        etag: &str,
    ) -> Answer<pb::ReplaceContactMailingGroupsResponse> {
        let request = pb::ReplaceContactMailingGroupsRequest {
            contact_id: contact_id.into(),
            codes: codes.iter().map(ToString::to_string).collect(),
            etag: etag.into(),
            ..Default::default()
        };
        let response = self.groups.replace_contact_mailing_groups(request).await?;
        Ok(response.into_inner())
    }

    pub(crate) async fn create_contact(
        &mut self,
        contact: pb::Contact,
        request_id: &str,
    ) -> Answer<pb::CreateContactResponse> {
        let request = pb::CreateContactRequest {
            contact: Some(contact),
            request_id: request_id.into(),
            ..Default::default()
        };
        Ok(self.contacts.create_contact(request).await?.into_inner())
    }

    pub(crate) async fn update_contact(
        &mut self,
        contact: pb::Contact,
        update_mask: Option<FieldMask>,
    ) -> Answer<pb::UpdateContactResponse> {
        let request = pb::UpdateContactRequest {
            contact: Some(contact),
            update_mask,
            allow_missing: false,
            ..Default::default()
        };
        Ok(self.contacts.update_contact(request).await?.into_inner())
    }

    /// Changes a contact, or creates it if there is none.
    pub(crate) async fn put_contact(
        &mut self,
        contact: pb::Contact,
    ) -> Answer<pb::UpdateContactResponse> {
        let request = pb::UpdateContactRequest {
            contact: Some(contact),
            update_mask: None,
            allow_missing: true,
            ..Default::default()
        };
        Ok(self.contacts.update_contact(request).await?.into_inner())
    }

    pub(crate) async fn delete_contact(
        &mut self,
        id: &str,
        etag: &str,
        force: bool,
    ) -> Answer<pb::DeleteContactResponse> {
        let request = pb::DeleteContactRequest {
            id: id.into(),
            etag: etag.into(),
            force,
            ..Default::default()
        };
        Ok(self.contacts.delete_contact(request).await?.into_inner())
    }

    pub(crate) async fn merge(
        &mut self,
        kept_id: &str,
        merged_id: &str,
    ) -> Answer<pb::MergeContactsResponse> {
        let request = pb::MergeContactsRequest {
            kept_id: kept_id.into(),
            merged_id: merged_id.into(),
            ..Default::default()
        };
        Ok(self.contacts.merge_contacts(request).await?.into_inner())
    }

    /// The counters of a group: all contacts, companies, persons.
    pub(crate) async fn counts(&mut self, code: &str) -> (i64, i64, i64) {
        let group = self.get_group(code).await.unwrap();
        (group.contact_count, group.company_count, group.person_count)
    }

    /// Applies a group; the last message.
    pub(crate) async fn apply(
        &mut self,
        request: pb::ApplyMailingGroupRequest,
    ) -> Answer<pb::ApplyMailingGroupResponse> {
        Ok(self.segments.apply_whole(request).await?.into_inner())
    }
}

/// Reads the stream of ApplyMailingGroup to its end.
pub(crate) trait ApplyWhole {
    /// The last message.
    async fn apply_whole(
        &mut self,
        request: pb::ApplyMailingGroupRequest,
    ) -> Result<Response<pb::ApplyMailingGroupResponse>, Status>;
}

impl ApplyWhole for SegmentsClient<Transport> {
    async fn apply_whole(
        &mut self,
        request: pb::ApplyMailingGroupRequest,
    ) -> Result<Response<pb::ApplyMailingGroupResponse>, Status> {
        let mut steps = self.apply_mailing_group(request).await?.into_inner();
        let mut last = None;
        while let Some(step) = steps.message().await? {
            last = Some(step);
        }
        Ok(Response::new(last.expect("a message")))
    }
}
