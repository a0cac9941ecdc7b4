//! The change log of the tables, in the form of a watch.

use std::collections::HashMap;

use mailing_groups::pb::change::Change;

use crate::support::Sql;

/// A change without volatile details: revision, kind, code, former code, sorted ids.
pub(super) type Entry = (i64, i16, String, String, Vec<String>);

/// The whole log of a tenant, without saved criteria, which are not watched.
pub(super) async fn stored(sql: &Sql, tenant: &str) -> Vec<Entry> {
    let tenant_id = sql.tenant_id(tenant).await;
    let numbers = "SELECT contact_number, id FROM contacts WHERE tenant_id = $1 \
        UNION ALL SELECT d.* FROM changes, unnest(contact_numbers, contact_ids) d \
            WHERE tenant_id = $1 AND kind = 8";
    let numbers = sql.rows(numbers, &[&tenant_id]).await;
    let ids: HashMap<i32, String> = numbers.iter().map(|row| (row.get(0), row.get(1))).collect();
    let log = "SELECT revision, kind, coalesce(code, ''), coalesce(former_code, ''), \
        coalesce(contact_numbers, '{}') FROM changes WHERE tenant_id = $1 AND kind < 13 \
        ORDER BY revision, kind, subject_id";
    let entry = |row: &tokio_postgres::Row| {
        let numbers: Vec<i32> = row.get(4);
        let mut ids: Vec<String> = numbers.iter().map(|number| ids[number].clone()).collect();
        ids.sort();
        (row.get(0), row.get(1), row.get(2), row.get(3), ids)
    };
    sql.rows(log, &[&tenant_id])
        .await
        .iter()
        .map(entry)
        .collect()
}

/// A change that a watch reported.
pub(super) fn entry(revision: i64, change: &Change) -> Entry {
    let named = |kind, code: &str, former: &str, ids: &[String]| {
        let mut ids = ids.to_vec();
        ids.sort();
        (revision, kind, code.to_owned(), former.to_owned(), ids)
    };
    let states = |states: &mailing_groups::pb::ContactStates| {
        states
            .contacts
            .iter()
            .map(|state| state.id.clone())
            .collect::<Vec<_>>()
    };
    match change {
        Change::MailingGroupCreated(group) => named(1, &group.code, "", &[]),
        Change::MailingGroupRenamed(group) => named(2, &group.code, &group.former_code, &[]),
        Change::MailingGroupUpdated(group) => named(3, &group.code, "", &[]),
        Change::ContactsCreated(all) => named(4, "", "", &states(all)),
        Change::ContactsUpdated(all) => named(5, "", "", &states(all)),
        Change::MembersAdded(group) => named(6, &group.code, "", &group.contact_ids),
        Change::MembersRemoved(group) => named(7, &group.code, "", &group.contact_ids),
        Change::ContactsDeleted(all) => named(8, "", "", &all.contact_ids),
        Change::MailingGroupDeleted(group) => named(9, &group.code, "", &[]),
        Change::SegmentCreated(segment) => named(10, &segment.segment_id, "", &[]),
        Change::SegmentUpdated(segment) => named(11, &segment.segment_id, "", &[]),
        Change::SegmentDeleted(segment) => named(12, &segment.segment_id, "", &[]),
    }
}
