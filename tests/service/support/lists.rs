//! Lists, from the first page to the last.

use mailing_groups::pb;
use tonic::Status;

use super::Tenant;

impl Tenant {
    /// One page of contacts: ids, and the token of the next page.
    pub(crate) async fn contact_page(
        &mut self,
        request: &pb::ListContactsRequest,
    ) -> Result<(Vec<String>, String), Status> {
        let response = self
            .contacts
            .list_contacts(request.clone())
            .await?
            .into_inner();
        let ids = response.contacts.into_iter().map(|contact| contact.id);
        Ok((ids.collect(), response.next_page_token))
    }

    /// The ids of all contacts of a list, read page by page.
    pub(crate) async fn contact_ids(
        &mut self,
        mut request: pb::ListContactsRequest,
    ) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let (ids, next) = self.contact_page(&request).await.unwrap();
            all.extend(ids);
            if next.is_empty() {
                return all;
            }
            request.page_token = next;
        }
    }

    /// One page of groups: codes, and the token of the next page.
    pub(crate) async fn group_page(
        &mut self,
        request: &pb::ListMailingGroupsRequest,
    ) -> Result<(Vec<String>, String), Status> {
        let response = self
            .groups
            .list_mailing_groups(request.clone())
            .await?
            .into_inner();
        let codes = response.mailing_groups.into_iter().map(|group| group.code);
        Ok((codes.collect(), response.next_page_token))
    }

    /// One page of a group's contacts: ids, and the token of the next page.
    pub(crate) async fn member_page(
        &mut self,
        request: &pb::ListMailingGroupContactsRequest,
    ) -> Result<(Vec<String>, String), Status> {
        let response = self
            .groups
            .list_mailing_group_contacts(request.clone())
            .await?
            .into_inner();
        let ids = response.contacts.into_iter().map(|contact| contact.id);
        Ok((ids.collect(), response.next_page_token))
    }
}
