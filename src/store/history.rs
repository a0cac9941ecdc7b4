//! Reading the change log as watchers do, page by page, and pruning it.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::sql::sql;
use crate::{
    model::{Code, Contact, ContactId, Description, Revision, TenantId, TenantName, Time},
    schema::{contacts, mailing_groups},
};

/// The most rows of a page. A revision that changes no more than 10,000 things has no more.
pub(crate) const PAGE_ROWS: usize = 10_000;

/// The most contacts that are read of one row at a time.
pub(crate) const SLICE: i32 = 10_000;

/// How many revisions one page reaches, at most: when filters leave little, this bounds how long
/// one statement looks for it.
pub(crate) const SPAN: Revision = 20_000;

/// The bytes of contact numbers after which a page ends, as they are stored. 10,000 rows of one
/// number each have fewer.
const VOLUME: i64 = 320_000;

/// A place in the log: the row that is read next, or the first one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The revision.
    pub(crate) revision: Revision,
    /// The kind of change.
    pub(crate) kind: i16,
    /// The number of the group or segment.
    pub(crate) subject_id: i32,
    /// How many contacts of this row were read before.
    pub(crate) skip: i32,
}

impl Place {
    /// Before the first change of a revision.
    pub(crate) fn at(revision: Revision) -> Self {
        Self {
            revision,
            kind: 0,
            subject_id: 0,
            skip: 0,
        }
    }
}

/// Which rows of the log are read.
#[derive(Debug, Clone)]
pub(crate) struct RowFilter {
    /// Kinds of changes, as the migrations number them.
    pub(crate) kinds: Vec<i16>,
    /// Codes of groups; none for all. Rows about something else are not concerned.
    pub(crate) codes: Vec<Code>,
}

/// One row of the log.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct HistoryRow {
    /// The revision.
    #[diesel(sql_type = BigInt)]
    pub(crate) revision: Revision,
    /// The kind of change.
    #[diesel(sql_type = SmallInt)]
    pub(crate) kind: i16,
    /// The number of the group or segment.
    #[diesel(sql_type = Integer)]
    pub(crate) subject_id: i32,
    /// The code of the group, or the id of the segment.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) code: Option<String>,
    /// The code that a renamed group had.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) former_code: Option<String>,
    /// The contacts, at most a slice of them.
    #[diesel(sql_type = Nullable<Array<Integer>>)]
    pub(crate) contact_numbers: Option<Vec<i32>>,
    /// The ids of contacts that were deleted, in the order of the numbers.
    #[diesel(sql_type = Nullable<Array<Text>>)]
    pub(crate) contact_ids: Option<Vec<String>>,
    /// How many contacts of the row come after the slice.
    #[diesel(sql_type = Integer)]
    pub(crate) left: i32,
    /// Whether the row is still within the volume of a page.
    #[diesel(sql_type = Bool)]
    pub(crate) within: bool,
    /// When the revision was committed.
    #[diesel(sql_type = Timestamptz)]
    pub(crate) commit_time: Time,
    /// The call that made it.
    #[diesel(sql_type = Text)]
    pub(crate) request_id: String,
}

/// What was read of the log, and the state of the clock at the same moment.
#[derive(Debug)]
pub(crate) struct HistoryPage {
    /// The present revision.
    pub(crate) current: Revision,
    /// The log is kept from the revision after this one on.
    pub(crate) oldest: Revision,
    /// The rows, in order; one more than a page holds if there are more.
    pub(crate) rows: Vec<HistoryRow>,
}

/// Reads the log from a place on. An unknown tenant is at revision 0.
pub(crate) async fn page(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    place: Place,
    filter: &RowFilter,
) -> QueryResult<HistoryPage> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        current: Revision,
        #[diesel(sql_type = BigInt)]
        oldest: Revision,
        #[diesel(embed)]
        row: Option<HistoryRow>,
    }
    let rows: Vec<Row> = sql("SELECT c.revision AS current, c.history_start AS oldest, \
            l.revision, l.kind, l.subject_id, l.code, l.former_code, \
            CASE WHEN within THEN l.contact_numbers[skip + 1 : skip + $6] END \
                AS contact_numbers, \
            CASE WHEN within THEN l.contact_ids[skip + 1 : skip + $6] END AS contact_ids, \
            CASE WHEN within THEN greatest( \
                coalesce(cardinality(l.contact_numbers), 0) - skip - $6, 0) ELSE 0 END AS left, \
            within, r.commit_time, r.request_id \
         FROM clocks c LEFT JOIN (( \
            SELECT s.*, coalesce(s.before, 0) < $10 AS within, \
                CASE WHEN (s.revision, s.kind, s.subject_id) = ($2, $3, $4) THEN $5 ELSE 0 END \
                    AS skip \
            FROM (SELECT ch.*, sum(pg_column_size(ch.contact_numbers)) OVER w AS before, \
                    lag(pg_column_size(ch.contact_numbers)) OVER w AS previous \
                FROM changes ch \
                WHERE ch.tenant_id = $1 \
                    AND (ch.revision, ch.kind, ch.subject_id) >= ($2, $3, $4) \
                    AND ch.revision < $2 + $11 AND ch.kind = ANY ($7) \
                    AND (cardinality($8) = 0 OR ch.kind NOT IN (1, 2, 3, 6, 7, 9) \
                        OR ch.code = ANY ($8) OR ch.former_code = ANY ($8)) \
                WINDOW w AS (ORDER BY ch.revision, ch.kind, ch.subject_id \
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) \
                ORDER BY ch.revision, ch.kind, ch.subject_id LIMIT $9) s \
            WHERE coalesce(s.before, 0) - coalesce(s.previous, 0) < $10) l \
            JOIN revisions r ON r.tenant_id = $1 AND r.revision = l.revision) ON true \
         WHERE c.tenant_id = $1 ORDER BY l.revision, l.kind, l.subject_id")
    .bind::<Integer, _>(tenant_id)
    .bind::<BigInt, _>(place.revision)
    .bind::<SmallInt, _>(place.kind)
    .bind::<Integer, _>(place.subject_id)
    .bind::<Integer, _>(place.skip)
    .bind::<Integer, _>(SLICE)
    .bind::<Array<SmallInt>, _>(filter.kinds.clone())
    .bind::<Array<Text>, _>(filter.codes.clone())
    .bind::<BigInt, _>(PAGE_ROWS as i64 + 1)
    .bind::<BigInt, _>(VOLUME)
    .bind::<BigInt, _>(SPAN)
    .load(conn)
    .await?;
    let first = rows.as_slice().first();
    let (current, oldest) = first.map_or((0, 0), |row| (row.current, row.oldest));
    let rows = rows.into_iter().filter_map(|row| row.row).collect();
    Ok(HistoryPage {
        current,
        oldest,
        rows,
    })
}

/// The tenant's revision, and the one after which the log is kept. An unknown tenant has 0.
pub(crate) async fn bounds(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<(Revision, Revision)> {
    use crate::schema::clocks;
    let bounds = clocks::table
        .find(tenant_id)
        .select((clocks::revision, clocks::history_start))
        .first(conn)
        .await;
    Ok(bounds.optional()?.unwrap_or_default())
}

/// The revisions of those tenants among these that exist.
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

/// These contacts, as far as they exist, in no order.
pub(crate) async fn contacts(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: &[i32],
) -> QueryResult<Vec<Contact>> {
    Contact::query()
        .filter(contacts::tenant_id.eq(tenant_id))
        .filter(contacts::contact_number.eq_any(contact_numbers))
        .load(conn)
        .await
}

/// The ids of these contacts, as far as they exist.
pub(crate) async fn ids(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: &[i32],
) -> QueryResult<Vec<(i32, String)>> {
    contacts::table
        .filter(contacts::tenant_id.eq(tenant_id))
        .filter(contacts::contact_number.eq_any(contact_numbers))
        .select((contacts::contact_number, contacts::id))
        .load(conn)
        .await
}

/// The ids that contacts had which are deleted, as far as the log tells of it.
pub(crate) async fn deleted_ids(
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
    let rows: Vec<Row> = sql("SELECT d.contact_number, d.id FROM changes ch, \
             unnest(ch.contact_numbers, ch.contact_ids) AS d (contact_number, id) \
         WHERE ch.tenant_id = $1 AND ch.kind = 8 AND ch.contact_numbers && $2 \
             AND d.contact_number = ANY ($2)")
    .bind::<Integer, _>(tenant_id)
    .bind::<Array<Integer>, _>(contact_numbers)
    .load(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.contact_number, row.id))
        .collect())
}

/// The descriptions of these groups, as far as they exist.
pub(crate) async fn descriptions(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    group_ids: &[i32],
) -> QueryResult<Vec<(i32, Description)>> {
    mailing_groups::table
        .filter(mailing_groups::tenant_id.eq(tenant_id))
        .filter(mailing_groups::group_id.eq_any(group_ids))
        .select((mailing_groups::group_id, mailing_groups::description))
        .load(conn)
        .await
}

/// The tenants whose log reaches further back than `before`.
pub(crate) async fn prunable(
    conn: &mut AsyncPgConnection,
    before: Time,
) -> QueryResult<Vec<TenantId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        tenant_id: TenantId,
    }
    let rows: Vec<Row> = sql("SELECT c.tenant_id FROM clocks c \
         JOIN revisions r ON r.tenant_id = c.tenant_id AND r.revision = c.history_start + 1 \
         WHERE r.commit_time < $1")
    .bind::<Timestamptz, _>(before)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.tenant_id).collect())
}

/// Deletes up to a thousand of a tenant's oldest revisions that were committed before `before`,
/// and answers whether there were any. The clock is held for a moment only, at the end.
pub(crate) async fn prune(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    before: Time,
) -> QueryResult<bool> {
    conn.batch_execute("BEGIN").await?;
    let pruned = prune_in(conn, tenant_id, before).await;
    let end = if pruned.is_ok() { "COMMIT" } else { "ROLLBACK" };
    conn.batch_execute(end).await?;
    pruned
}

async fn prune_in(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    before: Time,
) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Upto {
        #[diesel(sql_type = Nullable<BigInt>)]
        upto: Option<Revision>,
    }
    let Upto { upto } = sql("SELECT coalesce( \
             min(r.revision) FILTER (WHERE r.commit_time >= $2) - 1, max(r.revision)) AS upto \
         FROM (SELECT r.revision, r.commit_time FROM revisions r, clocks c \
             WHERE c.tenant_id = $1 AND r.tenant_id = $1 AND r.revision > c.history_start \
             ORDER BY r.revision LIMIT 1000) r")
    .bind::<Integer, _>(tenant_id)
    .bind::<Timestamptz, _>(before)
    .get_result(conn)
    .await?;
    let Some(upto) = upto else { return Ok(false) };
    for text in [
        "DELETE FROM changes WHERE tenant_id = $1 AND revision <= $2",
        "DELETE FROM revisions WHERE tenant_id = $1 AND revision <= $2",
    ] {
        sql(text)
            .bind::<Integer, _>(tenant_id)
            .bind::<BigInt, _>(upto)
            .execute(conn)
            .await?;
    }
    let advance =
        sql("UPDATE clocks SET history_start = $2 WHERE tenant_id = $1 AND history_start < $2");
    let advanced = advance
        .bind::<Integer, _>(tenant_id)
        .bind::<BigInt, _>(upto)
        .execute(conn)
        .await?;
    Ok(advanced > 0)
}
