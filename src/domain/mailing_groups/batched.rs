//! Groups that concurrent calls read, read together.

use std::collections::{HashMap, HashSet};

use crate::{
    domain::{Domain, Error, Result, batch::Work, batches::reader_of},
    model::{Code, ContactId, MailingGroup, TenantName},
    store::{self, mailing_groups::ContactGroupsPage},
};

/// Reading one group a call.
pub(in crate::domain) struct Reading(pub(super) Domain);

impl Work for Reading {
    type Item = Code;
    type Outcome = MailingGroup;

    async fn run(&self, tenant: &TenantName, codes: &[Code]) -> Result<Vec<Result<MailingGroup>>> {
        let call = reader_of(tenant);
        let read = self.0.read_of(&call, async |conn, tenant_id| {
            let wanted: HashSet<&Code> = codes.iter().collect();
            let asked: Vec<&Code> = wanted.iter().copied().collect();
            let found = store::mailing_groups::find_all(conn, tenant_id, &asked).await?;
            let found: HashMap<_, _> = found.into_iter().map(|g| (g.code.clone(), g)).collect();
            let missing = wanted.into_iter().filter(|code| !found.contains_key(*code));
            let renamed = super::renamed(conn, tenant_id, missing).await?;
            Ok((found, renamed))
        });
        let (found, renamed) = read.await?;
        let outcome = |code: &Code| match found.get(code) {
            Some(group) => Ok(group.clone()),
            None => Err(Error::no_group(code, renamed.get(code).cloned())),
        };
        Ok(codes.iter().map(outcome).collect())
    }
}

/// Reading one page of the groups of one contact a call.
pub(in crate::domain) struct Listing(pub(super) Domain);

impl Work for Listing {
    type Item = ContactGroupsPage;
    type Outcome = Vec<MailingGroup>;

    /// A page may have a thousand groups, and all pages of a batch are in memory at a time.
    const MAX_BATCH: usize = 100;

    async fn run(
        &self,
        tenant: &TenantName,
        pages: &[ContactGroupsPage],
    ) -> Result<Vec<Result<Vec<MailingGroup>>>> {
        let call = reader_of(tenant);
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
            let doubtful: Vec<&ContactId> = empty.map(|(_, page)| &page.contact_id).collect();
            let known = match doubtful.is_empty() {
                true => Vec::new(),
                false => store::contacts::find_all(conn, tenant_id, &doubtful).await?,
            };
            let known: HashSet<_> = known.into_iter().map(|contact| contact.id).collect();
            Ok((listed, known))
        });
        let (listed, known) = read.await?;
        let outcome = |(listed, page): (Vec<MailingGroup>, &ContactGroupsPage)| match listed
            .is_empty()
            && !known.contains(&page.contact_id)
        {
            true => Err(Error::no_contact(&page.contact_id)),
            false => Ok(listed),
        };
        Ok(listed.into_iter().zip(pages).map(outcome).collect())
    }
}
