//! The ids of merged contacts.

use diesel::{
    prelude::*,
    sql_types::{Array, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{Contact, ContactId, FormerName, TenantId},
    schema::{contacts, merged_contacts},
    store::{
        Transaction,
        sql::{is_any, sql},
    },
};

/// The contacts that these ids name, by their own id or that of a contact that was merged into them, each
/// with the id.
pub(crate) async fn named(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    ids: &[&ContactId],
) -> QueryResult<Vec<(ContactId, Contact)>> {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        requested: ContactId,
        #[diesel(embed)]
        contact: Contact,
    }
    let ids: Vec<ContactId> = ids.iter().copied().cloned().collect();
    let named: Vec<Named> = sql(include_str!("../sql/named_contacts.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<Text>, _>(ids)
        .load(conn)
        .await?;
    Ok(named
        .into_iter()
        .map(|it| (it.requested, it.contact))
        .collect())
}

/// The ids of merged contacts among these, each with the id of the contact that replaces it.
pub(crate) async fn merged_into(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    former: &[&ContactId],
) -> QueryResult<Vec<(ContactId, ContactId)>> {
    #[derive(QueryableByName)]
    struct Merged {
        #[diesel(sql_type = Text)]
        former: ContactId,
        #[diesel(sql_type = Text)]
        current: ContactId,
    }
    let former: Vec<ContactId> = former.iter().copied().cloned().collect();
    let rows: Vec<Merged> = sql(include_str!("../sql/merged_into.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<Text>, _>(former)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|it| (it.former, it.current)).collect())
}

/// The ids of merged contacts among these, each with the number of the merged contact.
pub(crate) async fn merged_numbers(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    former: &[&str],
) -> QueryResult<Vec<(String, i32)>> {
    merged_contacts::table
        .filter(merged_contacts::tenant_id.eq(tenant_id))
        .filter(is_any::<Text, _, _>(
            merged_contacts::id.assume_not_null(),
            former,
        ))
        .select((
            merged_contacts::id.assume_not_null(),
            merged_contacts::contact_number,
        ))
        .load(conn)
        .await
}

/// The ids that merged contacts of these numbers had, and those of the contacts that replace them.
pub(crate) async fn merged_by_number(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    numbers: &[i32],
) -> QueryResult<Vec<(i32, FormerName)>> {
    let merged: Vec<(i32, String, String)> = merged_contacts::table
        .inner_join(
            contacts::table.on(contacts::tenant_id
                .eq(merged_contacts::tenant_id)
                .and(contacts::contact_number.eq(merged_contacts::kept_number))),
        )
        .filter(merged_contacts::tenant_id.eq(tenant_id))
        .filter(is_any::<Integer, _, _>(
            merged_contacts::contact_number,
            numbers,
        ))
        .filter(merged_contacts::id.is_not_null())
        .select((
            merged_contacts::contact_number,
            merged_contacts::id.assume_not_null(),
            contacts::id,
        ))
        .load(conn)
        .await?;
    let name = |(number, former, current)| (number, FormerName { former, current });
    Ok(merged.into_iter().map(name).collect())
}

/// Makes these ids former ids of no contact.
pub(crate) async fn free_ids(tx: &mut Transaction, ids: &[&ContactId]) -> QueryResult<usize> {
    let named = merged_contacts::table
        .filter(merged_contacts::tenant_id.eq(tx.tenant_id()))
        .filter(is_any::<Text, _, _>(
            merged_contacts::id.assume_not_null(),
            ids,
        ));
    diesel::update(named)
        .set(merged_contacts::id.eq(None::<&ContactId>))
        .execute(tx)
        .await
}
