//! Lists of groups, in several orders.

use diesel::{dsl::sql, pg::Pg, prelude::*, sql_types::BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{GroupOrder, GroupPosition, GroupSortKey, MailingGroup, PageSize, TenantId},
    schema::mailing_groups::{self, code},
    store::sql::after_prefix,
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
            let equal = sql::<BigInt>(&value).eq(last).and(code.gt(&after.code));
            query.filter(sql::<BigInt>(&value).gt(last).or(equal))
        }
    };
    query.order((sql::<BigInt>(&value), code.asc()))
}
