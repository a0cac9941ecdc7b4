//! Looks up the ids and details that log entries name by number.

use std::collections::{HashMap, HashSet};

use super::ResolvedChange;
use crate::{
    domain::{Error, Result},
    model::{ChangeKind, Contact, TenantId},
    store::{
        self, Connection,
        log::{LogEntry, PageEntry},
    },
};

/// What entries of the log name by number.
pub(super) struct Lookup {
    ids: HashMap<i32, String>,
    contacts: HashMap<i32, Contact>,
    descriptions: HashMap<i32, String>,
}

impl Lookup {
    /// Reads what these entries need. The last statement finds contacts that were deleted between the
    /// others, in the log.
    pub(super) async fn read(
        conn: &mut Connection,
        tenant_id: TenantId,
        entries: &[PageEntry],
    ) -> Result<Self> {
        let mut lookup = Self {
            ids: HashMap::new(),
            contacts: HashMap::new(),
            descriptions: HashMap::new(),
        };
        let detailed = numbers(entries, Needs::Contacts);
        if !detailed.is_empty() {
            for contact in store::contacts::by_numbers(conn, tenant_id, detailed.clone()).await? {
                lookup
                    .ids
                    .insert(contact.contact_number, contact.id.to_string());
                lookup.contacts.insert(contact.contact_number, contact);
            }
        }
        let mut bare = numbers(entries, Needs::ContactIds);
        bare.retain(|number| !lookup.ids.contains_key(number));
        if !bare.is_empty() {
            let found = store::contacts::ids(conn, tenant_id, &bare).await?;
            lookup
                .ids
                .extend(found.into_iter().map(|(number, id)| (number, id.into())));
        }
        let mut missing = [detailed, bare].concat();
        missing.retain(|number| !lookup.ids.contains_key(number));
        if !missing.is_empty() {
            let deleted = store::log::deleted_contact_ids(conn, tenant_id, missing).await?;
            lookup
                .ids
                .extend(deleted.into_iter().map(|(number, id)| (number, id.into())));
        }
        let described = entries.iter().map(|read| &read.entry);
        let described = described.filter(|entry| needs(entry.kind) == Needs::Description);
        let groups: Vec<i32> = described.map(|entry| entry.subject_id).collect();
        if !groups.is_empty() {
            let known = store::mailing_groups::descriptions(conn, tenant_id, &groups).await?;
            lookup.descriptions = known
                .into_iter()
                .map(|(id, text)| (id, text.into()))
                .collect();
        }
        Ok(lookup)
    }

    /// Whether the ids of all contacts of these entries were found.
    pub(super) fn is_complete(&self, entries: &[PageEntry]) -> bool {
        let has_ids = |entry: &LogEntry| {
            let mut numbers = entry.contact_numbers.iter().flatten();
            numbers.all(|number| self.ids.contains_key(number))
        };
        entries.iter().all(|read| match needs(read.entry.kind) {
            Needs::Contacts | Needs::ContactIds => has_ids(&read.entry),
            Needs::Description | Needs::Nothing => true,
        })
    }

    fn ids(&self, entry: &LogEntry) -> Vec<String> {
        let numbers = entry.contact_numbers.iter().flatten();
        numbers
            .filter_map(|number| self.ids.get(number).cloned())
            .collect()
    }

    fn contacts(&self, entry: &LogEntry) -> Vec<(String, Option<Contact>)> {
        let numbers = entry.contact_numbers.iter().flatten();
        let contact = |number| {
            let id = self.ids.get(number)?.clone();
            Some((id, self.contacts.get(number).cloned()))
        };
        numbers.filter_map(contact).collect()
    }

    fn description(&self, entry: &LogEntry) -> String {
        self.descriptions
            .get(&entry.subject_id)
            .cloned()
            .unwrap_or_default()
    }
}

/// What watchers get with a change besides its entry.
#[derive(PartialEq, Eq)]
enum Needs {
    /// The description of the group.
    Description,
    /// The contacts.
    Contacts,
    /// The ids of the contacts.
    ContactIds,
    Nothing,
}

fn needs(kind: ChangeKind) -> Needs {
    match kind {
        ChangeKind::GroupCreated | ChangeKind::GroupRenamed | ChangeKind::GroupUpdated => {
            Needs::Description
        }
        ChangeKind::ContactsCreated | ChangeKind::ContactsUpdated => Needs::Contacts,
        ChangeKind::MembersAdded | ChangeKind::MembersRemoved => Needs::ContactIds,
        ChangeKind::GroupDeleted
        // The entry has their ids.
        | ChangeKind::ContactsDeleted
        | ChangeKind::SegmentCreated
        | ChangeKind::SegmentUpdated
        | ChangeKind::SegmentDeleted
        | ChangeKind::CriteriaSaved
        | ChangeKind::CriteriaDeleted => Needs::Nothing,
    }
}

/// The contacts of the entries that need this, once each.
fn numbers(entries: &[PageEntry], needed: Needs) -> Vec<i32> {
    let entries = entries.iter().map(|read| &read.entry);
    let entries = entries.filter(|entry| needs(entry.kind) == needed);
    let numbers = entries.flat_map(|entry| entry.contact_numbers.iter().flatten().copied());
    numbers.collect::<HashSet<i32>>().into_iter().collect()
}

/// The change that an entry records; `None` for a kind that is not sent to watchers.
pub(super) fn change(read: PageEntry, lookup: &Lookup) -> Result<Option<ResolvedChange>> {
    let entry = read.entry;
    let (ids, description) = (|| lookup.ids(&entry), || lookup.description(&entry));
    let code = || {
        entry
            .code
            .clone()
            .ok_or_else(|| Error::broken("a change has no code"))
    };
    let former = || entry.former_code.clone().unwrap_or_default();
    Ok(Some(match entry.kind {
        ChangeKind::GroupCreated => ResolvedChange::GroupCreated(code()?, description()),
        ChangeKind::GroupRenamed => ResolvedChange::GroupRenamed(code()?, former(), description()),
        ChangeKind::GroupUpdated => ResolvedChange::GroupUpdated(code()?, description()),
        ChangeKind::ContactsCreated => ResolvedChange::ContactsCreated(lookup.contacts(&entry)),
        ChangeKind::ContactsUpdated => ResolvedChange::ContactsUpdated(lookup.contacts(&entry)),
        ChangeKind::MembersAdded => ResolvedChange::MembersAdded(code()?, ids()),
        ChangeKind::MembersRemoved => ResolvedChange::MembersRemoved(code()?, ids()),
        ChangeKind::ContactsDeleted => {
            ResolvedChange::ContactsDeleted(read.contact_ids.unwrap_or_default())
        }
        ChangeKind::GroupDeleted => ResolvedChange::GroupDeleted(code()?),
        ChangeKind::SegmentCreated => ResolvedChange::SegmentCreated(code()?),
        ChangeKind::SegmentUpdated => ResolvedChange::SegmentUpdated(code()?),
        ChangeKind::SegmentDeleted => ResolvedChange::SegmentDeleted(code()?),
        ChangeKind::CriteriaSaved | ChangeKind::CriteriaDeleted => return Ok(None),
    }))
}
