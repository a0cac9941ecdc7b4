//! The order of contacts in an export, and reading a page of them.

use std::collections::BTreeMap;

use crate::{
    domain::{
        Call, Domain, Result,
        selection::{PageReader, Snapshot},
    },
    model::{Contact, ContactSet, Revision},
    store,
};

/// Offset of persons in the order of an export: a company's position is its number, a person's is its
/// number plus this. Numbers have 31 bits.
const AFTER_COMPANIES: u32 = 1 << 31;

/// Where an earlier stream of an export ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExportPosition {
    /// The last position sent.
    pub(crate) upto: u32,
    /// The revision of the first stream's snapshot.
    pub(crate) since: Revision,
}

/// What to send, in which order.
pub(super) struct ExportPlan {
    /// The positions of the contacts.
    pub(super) order: ContactSet,
    /// The position after which to start.
    pub(super) after: u32,
    /// A company that did not change after this revision was sent before any person.
    pub(super) since: Revision,
    /// The companies that were sent before.
    pub(super) sent_companies: ContactSet,
}

/// Plans an export of a snapshot. Companies that an earlier stream passed, and that were created or
/// changed since, are sent among the persons: the importing side may lack them.
pub(super) async fn plan(
    domain: &Domain,
    call: &Call,
    snapshot: &Snapshot,
    sent: Option<ExportPosition>,
) -> Result<ExportPlan> {
    let after = sent.map_or(0, |sent| sent.upto);
    let since = sent.map_or(snapshot.revision, |sent| sent.since);
    let mut passed = (*snapshot.companies).clone();
    passed.remove_range(after.saturating_add(1)..);
    let late = match since == snapshot.revision {
        true => ContactSet::new(),
        false => passed.clone() & changed(domain, call, since).await?,
    };
    let persons = &*snapshot.everyone - &*snapshot.companies;
    let mut order = (*snapshot.companies).clone();
    order.extend((persons | &late).iter().map(|it| it | AFTER_COMPANIES));
    Ok(ExportPlan {
        order,
        after,
        since,
        sent_companies: passed - late,
    })
}

async fn changed(domain: &Domain, call: &Call, since: Revision) -> Result<ContactSet> {
    let read = async |conn: &mut _, tenant_id| {
        Ok(store::contacts::companies_since(conn, tenant_id, since).await?)
    };
    domain.read_of(call, read).await
}

/// A page of contacts in their present state.
pub(super) struct ContactPage {
    /// The contacts of the page.
    pub(super) own: Vec<Contact>,
    /// Companies of the page's persons that may not have been sent yet.
    pub(super) companies: Vec<Contact>,
    /// The last position of the page.
    pub(super) upto: u32,
    /// How many contacts of the page were deleted.
    pub(super) deleted: usize,
}

/// Reads contacts.
pub(super) struct ContactPageReader {
    domain: Domain,
    call: Call,
    since: Revision,
}

impl ContactPageReader {
    /// Reads contacts, and the companies that persons have and that changed after `since`.
    pub(super) fn new(domain: &Domain, call: &Call, since: Revision) -> Self {
        let (domain, call) = (domain.clone(), call.clone());
        Self {
            domain,
            call,
            since,
        }
    }
}

impl PageReader for ContactPageReader {
    type Page = ContactPage;

    /// One page after the other, so that a company is read before its people: if it is deleted in
    /// between, they no longer have it.
    const PAGES_AHEAD: usize = 1;

    async fn read(&self, places: Vec<u32>) -> Result<ContactPage> {
        let number = |place: &u32| place & !AFTER_COMPANIES;
        let numbers: Vec<i32> = places.iter().map(|it| number(it).cast_signed()).collect();
        // A former company may be a person by now, whose company comes later in the order.
        let among_companies = places.iter().any(|place| *place < AFTER_COMPANIES);
        let since = if among_companies { 0 } else { self.since };
        let read = async |conn: &mut _, tenant_id| {
            let found = store::contacts::with_companies(conn, tenant_id, &numbers, since);
            Ok(found.await?)
        };
        let found = self.domain.read_of(&self.call, read).await?;
        let by_number = |contact: Contact| (contact.contact_number.cast_unsigned(), contact);
        let mut found: BTreeMap<u32, Contact> = found.into_iter().map(by_number).collect();
        let own: Vec<Contact> = places
            .iter()
            .filter_map(|place| found.remove(&number(place)))
            .collect();
        Ok(ContactPage {
            deleted: places.len() - own.len(),
            own,
            companies: found.into_values().collect(),
            upto: places.last().copied().unwrap_or_default(),
        })
    }
}
