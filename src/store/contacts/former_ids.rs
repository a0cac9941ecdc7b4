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
        sql::{from_keys, of_keys, select, sql, update_keys},
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
    let former: Vec<String> = former.iter().map(ToString::to_string).collect();
    let rest = of_keys::<Text, _>(from_keys!("merged_contacts", "id"), tenant_id, former);
    let columns = (
        merged_contacts::id.assume_not_null(),
        merged_contacts::contact_number,
    );
    select(columns, rest).load(conn).await
}

/// The ids that merged contacts of these numbers had, and those of the contacts that replace them.
pub(crate) async fn merged_by_number(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    numbers: &[i32],
) -> QueryResult<Vec<(i32, FormerName)>> {
    let text = from_keys!(
        "merged_contacts",
        "contact_number",
        "CROSS JOIN LATERAL (SELECT * FROM contacts WHERE tenant_id = $1 \
         AND contact_number = kept_number OFFSET 0) contacts WHERE merged_contacts.id IS NOT NULL"
    );
    let rest = of_keys::<Integer, _>(text, tenant_id, numbers.to_vec());
    let columns = (
        merged_contacts::contact_number,
        merged_contacts::id.assume_not_null(),
        contacts::id,
    );
    let merged: Vec<(i32, String, String)> = select(columns, rest).load(conn).await?;
    let name = |(number, former, current)| (number, FormerName { former, current });
    Ok(merged.into_iter().map(name).collect())
}

/// Makes these ids former ids of no contact.
pub(crate) async fn free_ids(tx: &mut Transaction, ids: &[&ContactId]) -> QueryResult<usize> {
    let text = concat!(
        "UPDATE merged_contacts SET id = NULL",
        update_keys!("merged_contacts", "id")
    );
    let ids: Vec<ContactId> = ids.iter().copied().cloned().collect();
    let statement = of_keys::<Text, _>(text, tx.tenant_id(), ids);
    statement.execute(tx).await
}
