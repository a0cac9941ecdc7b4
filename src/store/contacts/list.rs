//! Lists of contacts, by id.

use diesel::{
    dsl::sql,
    pg::Pg,
    prelude::*,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{Contact, ContactId, ContactKind, PageSize, TenantId, value::fold},
    schema::{contacts, memberships},
    store::sql::after_prefix,
};

/// How many contacts a page looks through before it gathers all that match.
const NEAR: i64 = 4_096;

/// What a list of contacts is narrowed to; all of it must hold.
#[derive(Debug, Default)]
pub struct ContactFilter {
    /// Ids that start so.
    pub prefix: String,
    /// This kind.
    pub kind: Option<ContactKind>,
    /// People of this company.
    pub company_id: Option<ContactId>,
    /// Members of this group.
    pub group_id: Option<i32>,
    /// Names that contain this, in any case.
    pub name_contains: String,
}

/// Contacts by id, after `after`.
///
/// Two filters have no index in the order of ids: by group, and by a part of the name. Whether it
/// is quicker to look at contacts one after the other, or to gather all that match and sort them,
/// depends on where they lie, which no statistics tell. So a page looks at the nearest contacts
/// first, which is enough where many match, and gathers the rest only if that does not fill it.
pub async fn page(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    filter: &ContactFilter,
    after: Option<&ContactId>,
    size: PageSize,
) -> QueryResult<Vec<Contact>> {
    let limit = size.with_one_more();
    let in_order = matching(tenant_id, filter, after)
        .order(contacts::id)
        .limit(limit)
        .select(Contact::as_select());
    let scattered = filter.group_id.is_some() || !filter.name_contains.is_empty();
    let horizon = match scattered {
        true => horizon(conn, tenant_id, filter, after).await?,
        false => None,
    };
    let Some(horizon) = horizon else {
        return in_order.load(conn).await;
    };
    let near = in_order.filter(contacts::id.le(&horizon));
    let mut found: Vec<Contact> = near.load(conn).await?;
    let missing = limit - i64::try_from(found.len()).unwrap_or(limit);
    if missing > 0 {
        // The order of an expression is that of no index.
        let far = matching(tenant_id, filter, Some(&horizon))
            .order(sql::<Text>("contacts.id || ''"))
            .limit(missing)
            .select(Contact::as_select());
        found.extend(far.load(conn).await?);
    }
    Ok(found)
}

/// The last of the nearest contacts, if there are more behind it.
async fn horizon(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    filter: &ContactFilter,
    after: Option<&ContactId>,
) -> QueryResult<Option<ContactId>> {
    narrowed(tenant_id, filter, after)
        .order(contacts::id)
        .offset(NEAR)
        .select(contacts::id)
        .first(conn)
        .await
        .optional()
}

/// What matches all of a filter.
fn matching<'a>(
    tenant_id: TenantId,
    filter: &'a ContactFilter,
    after: Option<&'a ContactId>,
) -> contacts::BoxedQuery<'a, Pg> {
    let mut query = narrowed(tenant_id, filter, after);
    if let Some(group_id) = filter.group_id {
        let members = memberships::table
            .filter(memberships::tenant_id.eq(tenant_id))
            .filter(memberships::group_id.eq(group_id))
            .select(memberships::contact_number);
        query = query.filter(contacts::contact_number.eq_any(members));
    }
    if !filter.name_contains.is_empty() {
        let pattern = format!("%{}%", escape(&fold(&filter.name_contains)));
        query = query.filter(contacts::search_name.like(pattern));
    }
    query
}

/// What matches the filters that have an index in the order of ids.
fn narrowed<'a>(
    tenant_id: TenantId,
    filter: &'a ContactFilter,
    after: Option<&'a ContactId>,
) -> contacts::BoxedQuery<'a, Pg> {
    let mut query = contacts::table
        .filter(contacts::tenant_id.eq(tenant_id))
        // Text that Diesel does not know keeps it from preparing the statement for many uses:
        // these are to be planned for the values they are asked with.
        .filter(sql::<Bool>("TRUE"))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(contacts::id.gt(after));
    }
    if !filter.prefix.is_empty() {
        query = query
            .filter(contacts::id.ge(&filter.prefix))
            .filter(contacts::id.lt(after_prefix(&filter.prefix)));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(contacts::kind.eq(kind));
    }
    if let Some(company_id) = &filter.company_id {
        query = query.filter(contacts::company_id.eq(company_id));
    }
    query
}

/// A text with nothing in it that LIKE would take for a wildcard.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}
