//! Lists of contacts, by id.

use diesel::{
    dsl::sql,
    pg::Pg,
    prelude::*,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{Contact, ContactId, ContactKind, Email, PageSize, TenantId, search::fold},
    schema::{contacts, memberships},
    store::sql::after_prefix,
};

/// How many contacts a page scans in order before it collects all that match.
const SCAN_LIMIT: i64 = 4_096;

/// The filters of a list of contacts; all of them apply.
#[derive(Debug, Default)]
pub struct ContactFilter {
    /// Prefix of ids.
    pub prefix: String,
    /// Company or person.
    pub kind: Option<ContactKind>,
    /// People of this company.
    pub company_id: Option<ContactId>,
    /// Members of this group.
    pub group_id: Option<i32>,
    /// A part of the name, in any case and with or without accents.
    pub name_contains: String,
    /// The e-mail address, in any case.
    pub email: Option<Email>,
}

/// Contacts by id, after `after`.
///
/// Two filters have no index in the order of ids: the group and a part of the name. Whether it is
/// faster to scan contacts in order, or to collect all that match and sort them, depends on where the
/// matches are, which statistics do not say. So a page scans the nearest contacts first, which is
/// enough if many match, and collects the rest only if that does not fill the page.
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
    let scan_end = match scattered {
        true => scan_end(conn, tenant_id, filter, after).await?,
        false => None,
    };
    let Some(scan_end) = scan_end else {
        return in_order.load(conn).await;
    };
    let near = in_order.filter(contacts::id.le(&scan_end));
    let mut found: Vec<Contact> = near.load(conn).await?;
    let missing = limit - i64::try_from(found.len()).unwrap_or(limit);
    if missing > 0 {
        // Ordering by an expression keeps the planner from scanning the index in order.
        let far = matching(tenant_id, filter, Some(&scan_end))
            .order(sql::<Text>("contacts.id || ''"))
            .limit(missing)
            .select(Contact::as_select());
        found.extend(far.load(conn).await?);
    }
    Ok(found)
}

/// The last contact of the scan, if there are more after it.
async fn scan_end(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    filter: &ContactFilter,
    after: Option<&ContactId>,
) -> QueryResult<Option<ContactId>> {
    narrowed(tenant_id, filter, after)
        .order(contacts::id)
        .offset(SCAN_LIMIT)
        .select(contacts::id)
        .first(conn)
        .await
        .optional()
}

/// The contacts that match all filters.
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

/// The contacts that match the filters with an index in the order of ids.
fn narrowed<'a>(
    tenant_id: TenantId,
    filter: &'a ContactFilter,
    after: Option<&'a ContactId>,
) -> contacts::BoxedQuery<'a, Pg> {
    let mut query = contacts::table
        .filter(contacts::tenant_id.eq(tenant_id))
        // A SQL fragment keeps Diesel from caching the prepared statement: the plan depends on the
        // values.
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
    if let Some(email) = &filter.email {
        let lower = sql::<Text>("lower(contacts.email COLLATE \"C\")");
        query = query
            .filter(contacts::email.ne(""))
            .filter(lower.eq(email.folded()));
    }
    query
}

/// Escapes the wildcards of LIKE.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}
