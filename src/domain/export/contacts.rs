//! Reads the pages of an export.

use std::{collections::BTreeMap, sync::Arc};

use super::order::{ExportOrder, ExportPosition};
use crate::{
    domain::{Call, Domain, Error, Result, selection::PageReader},
    model::{Commit, Contact},
    store,
};

/// A page of contacts in their present state.
pub(super) struct ContactPage {
    /// The contacts of the page.
    pub(super) own: Vec<Contact>,
    /// Companies of the page's persons that may not have been sent yet.
    pub(super) companies: Vec<Contact>,
    /// What was sent with this page.
    pub(super) sent: ExportPosition,
    /// How many contacts of the page were deleted.
    pub(super) deleted: usize,
}

/// Reads contacts by their rank in an export.
pub(super) struct ContactPageReader {
    pub(super) domain: Domain,
    pub(super) call: Call,
    /// The commit of the snapshot.
    pub(super) commit: Commit,
    pub(super) order: Arc<ExportOrder>,
}

impl PageReader for ContactPageReader {
    type Page = ContactPage;

    /// One page after the other, so that a company is read before its people: if it is deleted in
    /// between, they no longer have it.
    const PAGES_AHEAD: usize = 1;

    async fn read(&self, ranks: Vec<u32>) -> Result<ContactPage> {
        let order = &self.order;
        let numbers: Vec<u32> = ranks.iter().map(|rank| order.number(*rank)).collect();
        let first = ranks.first().copied().unwrap_or_default();
        let since = order.companies_unsent_since(first);
        let signed: Vec<i32> = numbers.iter().map(|it| it.cast_signed()).collect();
        let read = async |conn: &mut _, tenant_id| {
            if !store::log::contains(conn, tenant_id, self.commit).await? {
                return Err(Error::HistoryReplaced);
            }
            let found = store::contacts::with_companies(conn, tenant_id, &signed, since);
            Ok(found.await?)
        };
        let found = self.domain.read_page_of(&self.call, read).await?;
        let by_number = |contact: Contact| (contact.contact_number.cast_unsigned(), contact);
        let mut found: BTreeMap<u32, Contact> = found.into_iter().map(by_number).collect();
        let own = numbers.iter().filter_map(|number| found.remove(number));
        let own: Vec<Contact> = own.collect();
        Ok(ContactPage {
            deleted: numbers.len() - own.len(),
            own,
            companies: found.into_values().collect(),
            sent: order.position(ranks.last().copied().unwrap_or_default()),
        })
    }
}
