//! ContactSets as the database knows them. All functions of one selection run in one
//! transaction, so that they see one revision.

use diesel::{
    prelude::*,
    sql_types::{Array, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::sql::{Sql, sql};
use crate::{
    model::{Code, Contact, ContactId, ContactKind, ContactSet, TenantId},
    schema::{contacts, mailing_groups},
};

/// A set, in rows of at most 65,536 contacts: what one container of a roaring bitmap covers.
macro_rules! set_of {
    ($from:literal) => {
        concat!(
            "SELECT array_agg(contact_number) AS contact_numbers FROM ",
            $from,
            " GROUP BY contact_number >> 16"
        )
    };
}

/// Opens a transaction that sees one revision throughout and writes nothing.
pub const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Ends it, also after an error.
pub const END: &str = "ROLLBACK";

/// The numbers of the groups with these codes, as far as there are any.
pub async fn group_ids(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    codes: &[&Code],
) -> QueryResult<Vec<(Code, i32)>> {
    mailing_groups::table
        .filter(mailing_groups::tenant_id.eq(tenant_id))
        .filter(mailing_groups::code.eq_any(codes))
        .select((mailing_groups::code, mailing_groups::group_id))
        .load(conn)
        .await
}

/// The numbers of the groups whose codes match a LIKE pattern.
pub async fn group_ids_like(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    pattern: &str,
) -> QueryResult<Vec<i32>> {
    mailing_groups::table
        .filter(mailing_groups::tenant_id.eq(tenant_id))
        .filter(mailing_groups::code.like(pattern))
        .select(mailing_groups::group_id)
        .load(conn)
        .await
}

/// The members of any of these groups.
pub async fn members(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    group_ids: Vec<i32>,
) -> QueryResult<ContactSet> {
    let members = set_of!("memberships WHERE tenant_id = $1 AND group_id = ANY($2)");
    let query = sql(members)
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<Integer>, _>(group_ids);
    load(conn, query).await
}

/// All contacts.
pub async fn everyone(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<ContactSet> {
    let query = sql(set_of!("contacts WHERE tenant_id = $1")).bind::<Integer, _>(tenant_id);
    load(conn, query).await
}

/// All contacts of a kind.
pub async fn of_kind(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    kind: ContactKind,
) -> QueryResult<ContactSet> {
    let query = sql(set_of!("contacts WHERE tenant_id = $1 AND kind = $2"))
        .bind::<Integer, _>(tenant_id)
        .bind::<diesel::sql_types::SmallInt, _>(kind);
    load(conn, query).await
}

/// All contacts that are to be left out of segments.
pub async fn excluded(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<ContactSet> {
    let query = sql(set_of!(
        "contacts WHERE tenant_id = $1 AND exclude_from_segments"
    ))
    .bind::<Integer, _>(tenant_id);
    load(conn, query).await
}

/// All contacts that asked to be left out of segments.
pub async fn privacy_blocked(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<ContactSet> {
    let query = sql(set_of!("contacts WHERE tenant_id = $1 AND privacy_blocked"))
        .bind::<Integer, _>(tenant_id);
    load(conn, query).await
}

/// A company and its people; empty if there is no such company.
pub async fn company(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &ContactId,
) -> QueryResult<ContactSet> {
    let query = sql(set_of!(
        "(SELECT contact_number FROM contacts WHERE tenant_id = $1 AND kind = 1 AND id = $2 \
          UNION ALL \
          SELECT contact_number FROM contacts WHERE tenant_id = $1 AND company_id = $2) c"
    ))
    .bind::<Integer, _>(tenant_id)
    .bind::<Text, _>(id.clone());
    load(conn, query).await
}

/// The companies of the persons in a set.
pub async fn companies_of(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    set: &ContactSet,
) -> QueryResult<ContactSet> {
    let query = sql(set_of!(
        "(SELECT DISTINCT company.contact_number \
          FROM unnest($2) AS m (contact_number) \
          JOIN contacts person ON person.tenant_id = $1 \
              AND person.contact_number = m.contact_number \
          JOIN contacts company ON company.tenant_id = $1 AND company.id = person.company_id) c"
    ))
    .bind::<Integer, _>(tenant_id)
    .bind::<Array<Integer>, _>(numbers(set));
    load(conn, query).await
}

/// The people of the companies in a set.
pub async fn people_of(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    companies: &ContactSet,
) -> QueryResult<ContactSet> {
    let query = sql(set_of!(
        "(SELECT person.contact_number \
          FROM unnest($2) AS m (contact_number) \
          JOIN contacts company ON company.tenant_id = $1 \
              AND company.contact_number = m.contact_number \
          JOIN contacts person ON person.tenant_id = $1 AND person.company_id = company.id) c"
    ))
    .bind::<Integer, _>(tenant_id)
    .bind::<Array<Integer>, _>(numbers(companies));
    load(conn, query).await
}

/// The ids of these contacts, in the order of their numbers; one that is gone is missing.
pub async fn ids(
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

/// These contacts, in the order of their numbers; one that is gone is missing.
pub async fn contacts(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: &[i32],
) -> QueryResult<Vec<Contact>> {
    Contact::query()
        .filter(contacts::tenant_id.eq(tenant_id))
        .filter(contacts::contact_number.eq_any(contact_numbers))
        .order(contacts::contact_number)
        .load(conn)
        .await
}

/// The numbers of a set as PostgreSQL takes them.
pub fn numbers(set: &ContactSet) -> Vec<i32> {
    set.iter().map(u32::cast_signed).collect()
}

async fn load(conn: &mut AsyncPgConnection, query: Sql) -> QueryResult<ContactSet> {
    #[derive(QueryableByName)]
    struct Part {
        #[diesel(sql_type = Array<Integer>)]
        contact_numbers: Vec<i32>,
    }
    let parts: Vec<Part> = query.load(conn).await?;
    let mut set = ContactSet::new();
    for part in parts {
        set.extend(part.contact_numbers.into_iter().map(i32::cast_unsigned));
    }
    Ok(set)
}
