//! Reading groups, in batches.

use std::collections::{HashMap, HashSet};

use super::read_call;
use crate::{
    domain::{Error, Result, batch::BatchOperation, database::Database, lookup},
    model::{Code, ContactId, MailingGroup, TenantName},
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
            let wanted: HashSet<&Code> = codes.iter().collect();
            let codes: Vec<&Code> = wanted.iter().copied().collect();
            let found = store::mailing_groups::find_all(conn, tenant_id, &codes).await?;
            let found: HashMap<_, _> = found.into_iter().map(|g| (g.code.clone(), g)).collect();
            let missing = wanted.into_iter().filter(|code| !found.contains_key(*code));
            let renamed = lookup::renamed(conn, tenant_id, missing).await?;
            Ok((found, renamed))
        });
        let (found, renamed) = read.await?;
        let output = |code: &Code| match found.get(code) {
            Some(group) => Ok(group.clone()),
            None => Err(Error::no_group(code, renamed.get(code))),
        };
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
        let read = self.0.read_of(&call, async |conn, tenant_id| {
            let mut listed: Vec<Vec<MailingGroup>> = pages.iter().map(|_| Vec::new()).collect();
            for row in store::mailing_groups::pages_of_contacts(conn, tenant_id, pages).await? {
                let page = usize::try_from(row.page - 1).ok();
                if let Some(page) = page.and_then(|page| listed.get_mut(page)) {
                    page.push(row.group);
                }
            }
            let empty = listed
                .iter()
                .zip(pages)
                .filter(|(listed, _)| listed.is_empty());
            let without_groups: Vec<&ContactId> = empty.map(|(_, page)| &page.contact_id).collect();
            let known = match without_groups.is_empty() {
                true => Vec::new(),
                false => store::contacts::find_all(conn, tenant_id, &without_groups).await?,
            };
            let known: HashSet<_> = known.into_iter().map(|contact| contact.id).collect();
            let unknown = without_groups.into_iter().filter(|id| !known.contains(*id));
            let merged = lookup::merged(conn, tenant_id, unknown).await?;
            Ok((listed, known, merged))
        });
        let (listed, known, merged) = read.await?;
        let output = |(listed, page): (Vec<MailingGroup>, &ContactGroupsPage)| match listed
            .is_empty()
            && !known.contains(&page.contact_id)
        {
            true => {
                let id = &page.contact_id;
                Err(Error::no_contact(id, merged.get(id)))
            }
            false => Ok(listed),
        };
        Ok(listed.into_iter().zip(pages).map(output).collect())
    }
}
