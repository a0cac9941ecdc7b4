//! Lists of groups, in several orders.

use diesel::{
    dsl,
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{GroupOrder, GroupPosition, GroupSortKey, MailingGroup, PageSize, TenantId},
    schema::mailing_groups::{self, code},
    store::sql::{after_prefix, sql, sql_of},
};

/// The groups of a list.
type Groups<'a> = mailing_groups::BoxedQuery<'a, Pg>;

/// Groups in an order, after `after`, whose folded codes start with `prefix`.
pub async fn page(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    prefix: &str,
    order: GroupOrder,
    after: Option<&GroupPosition>,
    size: PageSize,
) -> QueryResult<Vec<MailingGroup>> {
    if let (false, GroupSortKey::Code, false) = (prefix.is_empty(), order.key, order.descending) {
        return by_prefix(conn, tenant_id, prefix, after, size).await;
    }
    let mut query = mailing_groups::table
        .filter(mailing_groups::tenant_id.eq(tenant_id))
        .limit(size.with_one_more())
        .into_boxed();
    if !prefix.is_empty() {
        query = query
            .filter(mailing_groups::search_code.ge(prefix))
            .filter(mailing_groups::search_code.lt(after_prefix(prefix)));
    }
    // An index of counts would make every assignment write to it, and a tenant has few groups: so
    // only codes and folded codes have one.
    let query = match order.key {
        GroupSortKey::Code => by_code(query, order.descending, after),
        GroupSortKey::ContactCount => by_value(
            query,
            "company_count + person_count",
            order.descending,
            after,
        ),
        GroupSortKey::UpdateTime => {
            let micros = "(extract(epoch FROM update_time) * 1000000)::bigint";
            by_value(query, micros, order.descending, after)
        }
    };
    query.select(MailingGroup::as_select()).load(conn).await
}

/// Groups by code: about as many are read as the page has.
async fn by_prefix(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    prefix: &str,
    after: Option<&GroupPosition>,
    size: PageSize,
) -> QueryResult<Vec<MailingGroup>> {
    let after = after.map_or("", |after| after.code.as_str());
    let rest = sql(include_str!("../sql/groups_of_prefix.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Text, _>(prefix.to_owned())
        .bind::<Text, _>(after_prefix(prefix))
        .bind::<Text, _>(after.to_owned())
        .bind::<BigInt, _>(size.with_one_more());
    sql_of(rest).load(conn).await
}

fn by_code<'a>(
    query: Groups<'a>,
    descending: bool,
    after: Option<&'a GroupPosition>,
) -> Groups<'a> {
    let query = match (after, descending) {
        (None, _) => query,
        (Some(after), false) => query.filter(code.gt(&after.code)),
        (Some(after), true) => query.filter(code.lt(&after.code)),
    };
    match descending {
        false => query.order(code.asc()),
        true => query.order(code.desc()),
    }
}

/// Orders groups by a value, and those that are equal in it by code.
fn by_value<'a>(
    query: Groups<'a>,
    value: &str,
    descending: bool,
    after: Option<&'a GroupPosition>,
) -> Groups<'a> {
    let value = match descending {
        false => value.to_owned(),
        true => format!("-({value})"),
    };
    let query = match after {
        None => query,
        Some(after) => {
            let last = after.value;
            let equal = dsl::sql::<BigInt>(&value)
                .eq(last)
                .and(code.gt(&after.code));
            query.filter(dsl::sql::<BigInt>(&value).gt(last).or(equal))
        }
    };
    query.order((dsl::sql::<BigInt>(&value), code.asc()))
}
