//! Reading groups, in batches.

use super::read_call;
use crate::{
    domain::{Error, Result, batch::BatchOperation, database::Database, lookup},
    model::{Code, MailingGroup, TenantName},
    store::{self, mailing_groups::ContactGroupsPage},
};

/// Reads one group per call.
pub(in crate::domain) struct GetGroups(pub(in crate::domain) Database);

impl BatchOperation for GetGroups {
    type Item = Code;
    type Output = MailingGroup;

    async fn run(&self, tenant: &TenantName, codes: &[Code]) -> Result<Vec<Result<MailingGroup>>> {
        let call = read_call(tenant);
        let read = self.0.read_of(&call, async |conn, tenant_id| {
            lookup::groups(conn, tenant_id, codes).await
        });
        let named = read.await?;
        let output = |code| named.get(code).map_err(|now| Error::no_group(code, now));
        Ok(codes.iter().map(output).collect())
    }
}

/// Reads one page of the groups of one contact per call.
pub(in crate::domain) struct ListContactGroups(pub(in crate::domain) Database);

impl BatchOperation for ListContactGroups {
    type Item = ContactGroupsPage;
    type Output = Vec<MailingGroup>;

    /// A page has up to a thousand groups, and all pages of a batch are in memory at once.
    const MAX_ITEMS: usize = 100;

    async fn run(
        &self,
        tenant: &TenantName,
        pages: &[ContactGroupsPage],
    ) -> Result<Vec<Result<Vec<MailingGroup>>>> {
        let call = read_call(tenant);
        let read = self.0.read_via_replica_of(&call, async |conn, tenant_id| {
            Ok(store::mailing_groups::pages_of_contacts(conn, tenant_id, pages).await?)
        });
        let no_contact = |page: &ContactGroupsPage| Err(Error::no_contact(&page.contact_id, None));
        let mut listed: Vec<Result<Vec<_>>> = pages.iter().map(no_contact).collect();
        for row in read.await? {
            let at = usize::try_from(row.page - 1).unwrap_or(usize::MAX);
            let Some((listed, page)) = listed.get_mut(at).zip(pages.get(at)) else {
                continue;
            };
            match (row.merged_into, listed) {
                (None, Ok(groups)) => groups.extend(row.group),
                (None, listed) => *listed = Ok(row.group.into_iter().collect()),
                (now, listed) => *listed = Err(Error::no_contact(&page.contact_id, now)),
            }
        }
        Ok(listed)
    }
}
