//! The change log: what each revision changed, in commit order and without gaps.

mod append;
mod page;
mod prune;
mod since;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

pub(super) use self::append::{ChangeSet, RevisionCounter, append};
pub use self::since::{LogFilter, changes_since};
pub(crate) use self::since::{LogTail, TailEntry};
pub(crate) use self::{
    page::{LogPage, LogPosition, PageEntry, PageFilter, SLICE, page},
    prune::{prunable, prune},
};
use super::sql::sql;
use crate::{
    model::{ChangeKind, ContactId, ContactSet, Revision, TenantId, TenantName},
    schema::clocks,
};

/// An entry of the log.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct LogEntry {
    #[diesel(sql_type = BigInt)]
    pub(crate) revision: Revision,
    #[diesel(sql_type = SmallInt)]
    pub(crate) kind: ChangeKind,
    /// The number of the group or segment.
    #[diesel(sql_type = Integer)]
    pub(crate) subject_id: i32,
    /// The code of the group, or the id of the segment.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) code: Option<String>,
    /// The code of a renamed group before the change.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) former_code: Option<String>,
    #[diesel(sql_type = Nullable<Array<Integer>>)]
    pub(crate) contact_numbers: Option<Vec<i32>>,
}

/// The tenant's revision; 0 for a tenant that has never written.
pub(crate) async fn revision(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<Revision> {
    Ok(bounds(conn, tenant_id).await?.0)
}

/// The tenant's revision, and the one after which the log is kept; 0 for an unknown tenant.
pub(crate) async fn bounds(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<(Revision, Revision)> {
    let bounds = clocks::table
        .find(tenant_id)
        .select((clocks::revision, clocks::history_start))
        .first(conn)
        .await;
    Ok(bounds.optional()?.unwrap_or_default())
}

/// The revisions of the existing ones among these tenants.
pub(crate) async fn revisions(
    conn: &mut AsyncPgConnection,
    tenants: Vec<TenantName>,
) -> QueryResult<Vec<(TenantName, Revision)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: TenantName,
        #[diesel(sql_type = BigInt)]
        revision: Revision,
    }
    let rows: Vec<Row> = sql("SELECT t.name, c.revision FROM tenants t \
         JOIN clocks c ON c.tenant_id = t.tenant_id WHERE t.name = ANY ($1)")
    .bind::<Array<Text>, _>(tenants)
    .load(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.name, row.revision))
        .collect())
}

/// The contacts deleted after `since`; `None` if the log does not reach back or is too long.
pub(crate) async fn deleted_contacts(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    since: Revision,
) -> QueryResult<Option<ContactSet>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        known: bool,
        #[diesel(sql_type = Nullable<Array<Integer>>)]
        contact_numbers: Option<Vec<i32>>,
    }
    let rows: Vec<Row> = sql(include_str!("sql/deleted_contacts.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<BigInt, _>(since)
        .load(conn)
        .await?;
    if rows.iter().any(|row| !row.known) {
        return Ok(None);
    }
    let numbers = rows
        .into_iter()
        .filter_map(|row| row.contact_numbers)
        .flatten();
    Ok(Some(numbers.map(i32::cast_unsigned).collect()))
}

/// The ids that deleted contacts had, as far as the log reaches.
pub(crate) async fn deleted_contact_ids(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: Vec<i32>,
) -> QueryResult<Vec<(i32, ContactId)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        contact_number: i32,
        #[diesel(sql_type = Text)]
        id: ContactId,
    }
    let rows: Vec<Row> = sql(include_str!("sql/deleted_contact_ids.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<Integer>, _>(contact_numbers)
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.contact_number, row.id))
        .collect())
}
