//! What an export reads.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::sql::sql;
use crate::{
    model::{Contact, ContactKind, ContactSet, Revision, TenantId},
    schema::{contacts, mailing_groups},
};

/// These contacts, and the companies that persons among them have and that changed after `since`;
/// each once, in the order of their numbers. One that is gone is missing.
pub async fn contacts_and_companies(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: &[i32],
    since: Revision,
) -> QueryResult<Vec<Contact>> {
    sql(
        "SELECT * FROM contacts WHERE tenant_id = $1 AND contact_number = ANY ($2) \
         UNION ALL \
         SELECT * FROM contacts WHERE tenant_id = $1 AND kind = 1 AND revision > $3 \
             AND contact_number <> ALL ($2) AND id IN ( \
                 SELECT company_id FROM contacts \
                 WHERE tenant_id = $1 AND contact_number = ANY ($2)) \
         ORDER BY contact_number",
    )
    .bind::<Integer, _>(tenant_id)
    .bind::<Array<Integer>, _>(contact_numbers.to_vec())
    .bind::<BigInt, _>(since)
    .load(conn)
    .await
}

/// The companies that changed, or whose groups did, after a revision.
pub(crate) async fn companies_since(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    since: Revision,
) -> QueryResult<ContactSet> {
    let numbers: Vec<i32> = contacts::table
        .filter(contacts::tenant_id.eq(tenant_id))
        .filter(contacts::kind.eq(ContactKind::Company))
        .filter(contacts::revision.gt(since))
        .select(contacts::contact_number)
        .load(conn)
        .await?;
    Ok(numbers.into_iter().map(i32::cast_unsigned).collect())
}

/// The groups that were defined, described anew or renamed after a revision.
pub(crate) async fn groups_since(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    since: Revision,
) -> QueryResult<Vec<i32>> {
    mailing_groups::table
        .filter(mailing_groups::tenant_id.eq(tenant_id))
        .filter(mailing_groups::revision.gt(since))
        .select(mailing_groups::group_id)
        .load(conn)
        .await
}
