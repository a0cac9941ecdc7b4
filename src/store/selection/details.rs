//! The ids and details of selected contacts.

use diesel::{
    prelude::*,
    sql_types::{Array, Binary, Integer},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{Contact, ContactId, TenantId},
    schema::contacts,
    store::sql::{sql, sql_of},
};

/// The ids of the contacts whose numbers are in `from..=upto`, by number.
pub(crate) async fn ids_between(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    from: i32,
    upto: i32,
) -> QueryResult<Vec<(i32, String)>> {
    contacts::table
        .filter(contacts::tenant_id.eq(tenant_id))
        .filter(contacts::contact_number.between(from, upto))
        .order(contacts::contact_number)
        .select((contacts::contact_number, contacts::id))
        .load(conn)
        .await
}

/// These contacts, in the order of their numbers; one that is gone is missing.
///
/// The parameters of this and the next statement stand in sub-selects so that the planner cannot
/// look at them, and so plans once per connection: planning takes as long as reading 1,000
/// contacts does.
pub async fn contacts(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: Vec<i32>,
) -> QueryResult<Vec<Contact>> {
    let rest = sql("FROM contacts WHERE tenant_id = (SELECT $1) \
         AND contact_number = ANY ((SELECT $2)::int[]) ORDER BY contact_number")
    .bind::<Integer, _>(tenant_id)
    .bind::<Array<Integer>, _>(contact_numbers);
    sql_of(rest).load(conn).await
}

/// The contacts from the number `from` on whose bits are set, the lowest of a byte first, in the
/// order of their numbers; one that is gone is missing. Reads all contacts in between, as they
/// are stored, instead of looking up each: for contacts that stand close together.
pub async fn contacts_among(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    from: i32,
    bits: Vec<u8>,
) -> QueryResult<Vec<Contact>> {
    let most = i32::try_from(bits.len() * 8).unwrap_or(i32::MAX);
    let rest = sql("FROM contacts WHERE tenant_id = (SELECT $1) \
         AND contact_number BETWEEN (SELECT $2) AND (SELECT $3) \
         AND get_bit((SELECT $4), contact_number - (SELECT $2)) = 1 ORDER BY contact_number")
    .bind::<Integer, _>(tenant_id)
    .bind::<Integer, _>(from)
    .bind::<Integer, _>(from.saturating_add(most - 1))
    .bind::<Binary, _>(bits);
    sql_of(rest).load(conn).await
}

/// The ids among these contacts' that still exist, by number.
pub(crate) async fn ids(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: &[i32],
) -> QueryResult<Vec<ContactId>> {
    contacts::table
        .filter(contacts::tenant_id.eq(tenant_id))
        .filter(contacts::contact_number.eq_any(contact_numbers))
        .order(contacts::contact_number)
        .select(contacts::id)
        .load(conn)
        .await
}
