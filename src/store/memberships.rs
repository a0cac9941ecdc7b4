//! Memberships. Every statement keeps the counters of groups and contacts too.

mod pairs;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

pub(crate) use self::pairs::changed_at;
pub use self::pairs::{LoggedCommit, PairResult, assign, assign_logged, unassign, unassign_logged};
use super::{Transaction, sql::sql};
use crate::{
    model::{Assignment, Code, TenantId},
    schema::{mailing_groups, memberships},
};

/// What assigning a group to a contact would find.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct CheckedPair {
    #[diesel(sql_type = Bool)]
    pub(crate) contact_exists: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) group_exists: bool,
    /// Whether the contact has the group.
    #[diesel(sql_type = Bool)]
    pub(crate) assigned: bool,
    /// The present name of the contact, or else of the group, if it was named by a former one.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) current: Option<String>,
}

/// Checks assignments without writing. Returns one result per item, in order.
pub(crate) async fn check(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    items: &[Assignment],
) -> QueryResult<Vec<CheckedPair>> {
    let ids: Vec<_> = items.iter().map(|item| item.contact_id.clone()).collect();
    let codes: Vec<_> = items.iter().map(|item| item.code.clone()).collect();
    sql(include_str!("sql/check_assignments.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<Text>, _>(codes)
        .load(conn)
        .await
}

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

/// Unassigns a group from all its members and returns their numbers.
pub(crate) async fn delete_group(tx: &mut Transaction, group_id: i32) -> QueryResult<Vec<i32>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Array<Integer>)]
        contact_numbers: Vec<i32>,
    }
    let row: Row = sql(include_str!("sql/delete_group_members.sql"))
        .bind::<Integer, _>(tx.tenant_id())
        .bind::<Integer, _>(group_id)
        .bind::<BigInt, _>(tx.revision())
        .bind::<Timestamptz, _>(tx.time())
        .get_result(tx)
        .await?;
    Ok(row.contact_numbers)
}

/// The numbers of the first members of a group.
pub(crate) async fn first_members(
    tx: &mut Transaction,
    group_id: i32,
    count: usize,
) -> QueryResult<Vec<i32>> {
    memberships::table
        .filter(memberships::tenant_id.eq(tx.tenant_id()))
        .filter(memberships::group_id.eq(group_id))
        .order(memberships::contact_number)
        .limit(i64::try_from(count).unwrap_or(i64::MAX))
        .select(memberships::contact_number)
        .load(tx)
        .await
}

/// Assigns a group to contacts that do not have it.
pub(crate) async fn insert_members(
    tx: &mut Transaction,
    group_id: i32,
    contact_numbers: Vec<i32>,
) -> QueryResult<usize> {
    let text = include_str!("sql/insert_members.sql");
    change_members(tx, text, group_id, contact_numbers.clone()).await?;
    let text = include_str!("sql/count_members.sql");
    change_members(tx, text, group_id, contact_numbers).await
}

/// Unassigns a group from contacts that have it.
pub(crate) async fn delete_members(
    tx: &mut Transaction,
    group_id: i32,
    contact_numbers: Vec<i32>,
) -> QueryResult<usize> {
    let text = include_str!("sql/delete_members.sql");
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
