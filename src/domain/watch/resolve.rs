//! From the numbers of the log to ids and details.

use std::collections::{HashMap, HashSet};

use diesel_async::AsyncPgConnection;

use super::Change;
use crate::{
    domain::{Error, Result},
    model::{Contact, TenantId},
    store::history::{self, HistoryRow},
};

/// The kinds of changes, as the log numbers them.
mod kind {
    pub(super) const GROUP_CREATED: i16 = 1;
    pub(super) const GROUP_RENAMED: i16 = 2;
    pub(super) const GROUP_UPDATED: i16 = 3;
    pub(super) const CONTACTS_CREATED: i16 = 4;
    pub(super) const CONTACTS_UPDATED: i16 = 5;
    pub(super) const MEMBERS_ADDED: i16 = 6;
    pub(super) const MEMBERS_REMOVED: i16 = 7;
    pub(super) const CONTACTS_DELETED: i16 = 8;
    pub(super) const GROUP_DELETED: i16 = 9;
    pub(super) const SEGMENT_CREATED: i16 = 10;
    pub(super) const SEGMENT_UPDATED: i16 = 11;
    pub(super) const SEGMENT_DELETED: i16 = 12;
}

/// What rows of the log name by numbers.
pub(super) struct Names {
    ids: HashMap<i32, String>,
    contacts: HashMap<i32, Contact>,
    descriptions: HashMap<i32, String>,
}

impl Names {
    /// Reads what these rows need. Whoever is deleted between two statements is found by the
    /// later one, in the log.
    pub(super) async fn read(
        conn: &mut AsyncPgConnection,
        tenant_id: TenantId,
        rows: &[HistoryRow],
    ) -> Result<Self> {
        let mut names = Self {
            ids: HashMap::new(),
            contacts: HashMap::new(),
            descriptions: HashMap::new(),
        };
        let detailed = numbers(rows, &[kind::CONTACTS_CREATED, kind::CONTACTS_UPDATED]);
        if !detailed.is_empty() {
            for contact in history::contacts(conn, tenant_id, &detailed).await? {
                names
                    .ids
                    .insert(contact.contact_number, contact.id.to_string());
                names.contacts.insert(contact.contact_number, contact);
            }
        }
        let mut bare = numbers(rows, &[kind::MEMBERS_ADDED, kind::MEMBERS_REMOVED]);
        bare.retain(|number| !names.ids.contains_key(number));
        if !bare.is_empty() {
            names
                .ids
                .extend(history::ids(conn, tenant_id, &bare).await?);
        }
        let mut missing = [detailed, bare].concat();
        missing.retain(|number| !names.ids.contains_key(number));
        if !missing.is_empty() {
            let deleted = history::deleted_ids(conn, tenant_id, missing).await?;
            names
                .ids
                .extend(deleted.into_iter().map(|(number, id)| (number, id.into())));
        }
        let described = |row: &&HistoryRow| row.kind <= kind::GROUP_UPDATED;
        let groups: Vec<i32> = rows
            .iter()
            .filter(described)
            .map(|row| row.subject_id)
            .collect();
        if !groups.is_empty() {
            let known = history::descriptions(conn, tenant_id, &groups).await?;
            names.descriptions = known
                .into_iter()
                .map(|(id, text)| (id, text.into()))
                .collect();
        }
        Ok(names)
    }

    /// Whether all contacts of these rows have their ids.
    pub(super) fn is_complete(&self, rows: &[HistoryRow]) -> bool {
        let mut named = rows.iter().filter(|row| row.kind != kind::CONTACTS_DELETED);
        named.all(|row| {
            let mut numbers = row.contact_numbers.iter().flatten();
            numbers.all(|number| self.ids.contains_key(number))
        })
    }

    fn ids(&self, row: &HistoryRow) -> Vec<String> {
        let numbers = row.contact_numbers.iter().flatten();
        numbers
            .filter_map(|number| self.ids.get(number).cloned())
            .collect()
    }

    fn contacts(&self, row: &HistoryRow) -> Vec<(String, Option<Contact>)> {
        let numbers = row.contact_numbers.iter().flatten();
        let contact = |number| {
            let id = self.ids.get(number)?.clone();
            Some((id, self.contacts.get(number).cloned()))
        };
        numbers.filter_map(contact).collect()
    }

    fn description(&self, row: &HistoryRow) -> String {
        self.descriptions
            .get(&row.subject_id)
            .cloned()
            .unwrap_or_default()
    }
}

/// The contacts of the rows of these kinds, once each.
fn numbers(rows: &[HistoryRow], kinds: &[i16]) -> Vec<i32> {
    let rows = rows.iter().filter(|row| kinds.contains(&row.kind));
    let numbers = rows.flat_map(|row| row.contact_numbers.iter().flatten().copied());
    numbers.collect::<HashSet<i32>>().into_iter().collect()
}

/// The change that a row tells of; none if it is of a kind that watchers do not know.
pub(super) fn change(row: HistoryRow, names: &Names) -> Result<Option<Change>> {
    let (ids, described) = (|| names.ids(&row), || names.description(&row));
    let code = || {
        row.code
            .clone()
            .ok_or_else(|| Error::broken("a change has no code"))
    };
    let former = || row.former_code.clone().unwrap_or_default();
    Ok(Some(match row.kind {
        kind::GROUP_CREATED => Change::GroupCreated(code()?, described()),
        kind::GROUP_RENAMED => Change::GroupRenamed(code()?, former(), described()),
        kind::GROUP_UPDATED => Change::GroupUpdated(code()?, described()),
        kind::CONTACTS_CREATED => Change::ContactsCreated(names.contacts(&row)),
        kind::CONTACTS_UPDATED => Change::ContactsUpdated(names.contacts(&row)),
        kind::MEMBERS_ADDED => Change::MembersAdded(code()?, ids()),
        kind::MEMBERS_REMOVED => Change::MembersRemoved(code()?, ids()),
        kind::CONTACTS_DELETED => {
            Change::ContactsDeleted(row.contact_ids.clone().unwrap_or_default())
        }
        kind::GROUP_DELETED => Change::GroupDeleted(code()?),
        kind::SEGMENT_CREATED => Change::SegmentCreated(code()?),
        kind::SEGMENT_UPDATED => Change::SegmentUpdated(code()?),
        kind::SEGMENT_DELETED => Change::SegmentDeleted(code()?),
        _ => return Ok(None),
    }))
}
