//! Memberships, with the counters of groups and contacts kept in the same statement.

mod change;
mod pairs;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

pub use self::change::{Assigned, delete, delete_logged, insert, insert_logged};
use super::{Transaction, sql::sql};
use crate::{
    model::{Code, TenantId},
    schema::{mailing_groups, memberships},
};

/// The groups of a contact: number and code, by code.
pub(crate) async fn groups_of(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_number: i32,
) -> QueryResult<Vec<(i32, Code)>> {
    memberships::table
        .inner_join(
            mailing_groups::table.on(mailing_groups::tenant_id
                .eq(memberships::tenant_id)
                .and(mailing_groups::group_id.eq(memberships::group_id))),
        )
        .filter(memberships::tenant_id.eq(tenant_id))
        .filter(memberships::contact_number.eq(contact_number))
        .order(mailing_groups::code)
        .select((mailing_groups::group_id, mailing_groups::code))
        .load(conn)
        .await
}

/// Takes a group from all its members and returns their numbers. The group's own counters are
/// set to zero.
pub(crate) async fn delete_group(tx: &mut Transaction, group_id: i32) -> QueryResult<Vec<i32>> {
    #[derive(QueryableByName)]
    struct Gone {
        #[diesel(sql_type = Array<Integer>)]
        contact_numbers: Vec<i32>,
    }
    let gone: Gone = sql("WITH gone AS ( \
             DELETE FROM memberships WHERE tenant_id = $1 AND group_id = $2 \
             RETURNING contact_number), \
         counted_group AS ( \
             UPDATE mailing_groups SET company_count = 0, person_count = 0 \
             WHERE tenant_id = $1 AND group_id = $2), \
         counted_contacts AS ( \
             UPDATE contacts c SET mailing_group_count = c.mailing_group_count - 1, \
                 revision = $3, update_time = $4 \
             FROM gone WHERE c.tenant_id = $1 AND c.contact_number = gone.contact_number) \
         SELECT coalesce(array_agg(contact_number ORDER BY contact_number), '{}') \
             AS contact_numbers FROM gone")
    .bind::<Integer, _>(tx.tenant_id())
    .bind::<Integer, _>(group_id)
    .bind::<BigInt, _>(tx.revision())
    .bind::<Timestamptz, _>(tx.time())
    .get_result(tx)
    .await?;
    Ok(gone.contact_numbers)
}

/// A statement over contacts that get or lose one group: `$write` changes the memberships, and
/// the counters follow by `$sign`.
///
/// Parameters: `$1` the tenant, `$2` the group, `$3` contact numbers, `$4` the revision, `$5` the
/// moment.
macro_rules! change_members {
    ($write:literal, $sign:literal) => {
        concat!(
            "WITH chosen AS MATERIALIZED (SELECT unnest($3) AS contact_number), written AS (",
            $write,
            "), counted_contacts AS ( \
                UPDATE contacts c SET mailing_group_count = c.mailing_group_count ",
            $sign,
            " 1, revision = $4, update_time = $5 \
                FROM chosen WHERE c.tenant_id = $1 AND c.contact_number = chosen.contact_number \
                RETURNING c.kind) \
             UPDATE mailing_groups g SET company_count = g.company_count ",
            $sign,
            " n.companies, person_count = g.person_count ",
            $sign,
            " n.persons \
             FROM (SELECT count(*) FILTER (WHERE kind = 1) AS companies, \
                     count(*) FILTER (WHERE kind = 2) AS persons FROM counted_contacts) n \
             WHERE g.tenant_id = $1 AND g.group_id = $2"
        )
    };
}

/// Assigns a group to contacts that do not have it.
pub(crate) async fn insert_members(
    tx: &mut Transaction,
    group_id: i32,
    contact_numbers: Vec<i32>,
) -> QueryResult<usize> {
    let text = change_members!(
        "INSERT INTO memberships (tenant_id, group_id, contact_number, revision, create_time) \
         SELECT $1, $2, contact_number, $4, $5 FROM chosen ORDER BY contact_number",
        "+"
    );
    change_members(tx, text, group_id, contact_numbers).await
}

/// Takes a group from contacts that have it.
pub(crate) async fn delete_members(
    tx: &mut Transaction,
    group_id: i32,
    contact_numbers: Vec<i32>,
) -> QueryResult<usize> {
    let text = change_members!(
        "DELETE FROM memberships m USING chosen WHERE m.tenant_id = $1 AND m.group_id = $2 \
         AND m.contact_number = chosen.contact_number",
        "-"
    );
    change_members(tx, text, group_id, contact_numbers).await
}

async fn change_members(
    tx: &mut Transaction,
    text: &'static str,
    group_id: i32,
    contact_numbers: Vec<i32>,
) -> QueryResult<usize> {
    sql(text)
        .bind::<Integer, _>(tx.tenant_id())
        .bind::<Integer, _>(group_id)
        .bind::<Array<Integer>, _>(contact_numbers)
        .bind::<BigInt, _>(tx.revision())
        .bind::<Timestamptz, _>(tx.time())
        .execute(tx)
        .await
}
