//! Contacts and their ids by number.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Binary, Integer},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{Contact, ContactId, Revision, TenantId},
    schema::contacts,
    store::sql::{from_keys, of_keys, select, sql, sql_of},
};

/// The ids of the contacts with numbers in `from..=to`, by number.
pub(crate) async fn ids_in_range(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    from: i32,
    to: i32,
) -> QueryResult<Vec<(i32, String)>> {
    contacts::table
        .filter(contacts::tenant_id.eq(tenant_id))
        .filter(contacts::contact_number.between(from, to))
        .order(contacts::contact_number)
        .select((contacts::contact_number, contacts::id))
        .load(conn)
        .await
}

/// The existing ones among these contacts, by number.
pub async fn by_numbers(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: Vec<i32>,
) -> QueryResult<Vec<Contact>> {
    let text = from_keys!("contacts", "contact_number", "ORDER BY contact_number");
    let rest = of_keys::<Integer, _>(text, tenant_id, contact_numbers);
    sql_of(rest).load(conn).await
}

/// The existing contacts whose bits are set, the lowest bit of a byte first, beginning with the
/// number `from`; by number. Scans the range instead of looking up each contact: for dense sets.
///
/// The other parameters stand in sub-selects so that the planner does not see them and plans once per
/// connection: planning takes as long as reading 1,000 contacts.
pub async fn by_bits(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    from: i32,
    bits: Vec<u8>,
) -> QueryResult<Vec<Contact>> {
    let length = i32::try_from(bits.len() * 8).unwrap_or(i32::MAX);
    let rest = sql("FROM contacts WHERE tenant_id = $1 \
         AND contact_number BETWEEN (SELECT $2) AND (SELECT $3) \
         AND get_bit((SELECT $4), contact_number - (SELECT $2)) = 1 ORDER BY contact_number")
    .bind::<Integer, _>(tenant_id)
    .bind::<Integer, _>(from)
    .bind::<Integer, _>(from.saturating_add(length - 1))
    .bind::<Binary, _>(bits);
    sql_of(rest).load(conn).await
}

/// The ids of the existing ones among these contacts, by number.
pub(crate) async fn ids(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: &[i32],
) -> QueryResult<Vec<(i32, ContactId)>> {
    let text = from_keys!("contacts", "contact_number", "ORDER BY contact_number");
    let rest = of_keys::<Integer, _>(text, tenant_id, contact_numbers.to_vec());
    let columns = (contacts::contact_number, contacts::id);
    select(columns, rest).load(conn).await
}

/// These contacts, and the companies of persons among them that changed after `since`; each once,
/// by number.
pub async fn with_companies(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: &[i32],
    since: Revision,
) -> QueryResult<Vec<Contact>> {
    sql(include_str!("../sql/export_contacts.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<Integer>, _>(contact_numbers.to_vec())
        .bind::<BigInt, _>(since)
        .load(conn)
        .await
}

/// The contacts that changed, or whose groups did, after a revision, each with its revision.
pub(crate) async fn changed_since(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    since: Revision,
) -> QueryResult<Vec<(i32, Revision)>> {
    contacts::table
        .filter(contacts::tenant_id.eq(tenant_id))
        .filter(contacts::revision.gt(since))
        .select((contacts::contact_number, contacts::revision))
        .load(conn)
        .await
}
