//! What happened to what selections are made of, as the change log tells it.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{Revision, SegmentId, TenantId},
    store::sql::sql,
};

/// Which parts of the change log a reader cares for.
#[derive(Debug, Clone, Default)]
pub struct Interest {
    /// Groups coming, going and being renamed.
    pub groups: bool,
    /// Contacts coming, changing and going.
    pub contacts: bool,
    /// Members of these groups.
    pub members_of: Vec<i32>,
    /// These segments.
    pub segments: Vec<SegmentId>,
}

/// One row of the change log.
#[derive(Debug, Clone, QueryableByName)]
pub struct LogRow {
    /// The revision.
    #[diesel(sql_type = BigInt)]
    pub revision: Revision,
    /// What kind of change; the migrations list them.
    #[diesel(sql_type = SmallInt)]
    pub kind: i16,
    /// The number of the group or segment.
    #[diesel(sql_type = Integer)]
    pub subject_id: i32,
    /// The code of the group, or the id of the segment.
    #[diesel(sql_type = Nullable<Text>)]
    pub code: Option<String>,
    /// The code that a renamed group had.
    #[diesel(sql_type = Nullable<Text>)]
    pub former_code: Option<String>,
    /// The contacts.
    #[diesel(sql_type = Nullable<Array<Integer>>)]
    pub contact_numbers: Option<Vec<i32>>,
    /// Of contacts that came or changed: what they are at the present revision.
    #[diesel(sql_type = Nullable<Array<BigInt>>)]
    pub traits: Option<Vec<i64>>,
}

/// What happened since a revision.
#[derive(Debug)]
pub struct Tail {
    /// The present revision.
    pub revision: Revision,
    /// What happened, in order; `None` if it is too much to read, or no longer known.
    pub rows: Option<Vec<LogRow>>,
}

/// The longest way that is gone along the log, in revisions and in rows.
const MAX_REVISIONS: i64 = 50_000;
const MAX_ROWS: i64 = 20_000;

/// What happened since `since`, as far as `interest` goes.
pub async fn tail(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    since: Revision,
    interest: &Interest,
) -> QueryResult<Tail> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        current: Revision,
        #[diesel(sql_type = Bool)]
        known: bool,
        #[diesel(sql_type = BigInt)]
        total: i64,
        #[diesel(embed)]
        change: LogRow,
    }
    // A contact's traits: its number, its company's (a company is its own), and two flags, in
    // 31, 31, 1 and 1 bits.
    let rows: Vec<Row> = sql(concat!(
        "SELECT c.revision AS current, \
            c.revision - $2 <= $3 AND $2 >= c.history_start AS known, \
            coalesce(l.total, 0) AS total, coalesce(l.revision, 0) AS revision, \
            coalesce(l.kind, 0::smallint) AS kind, coalesce(l.subject_id, 0) AS subject_id, \
            l.code, l.former_code, l.contact_numbers, \
            CASE WHEN l.kind IN (4, 5) THEN ARRAY( \
                SELECT (contact.contact_number::bigint << 33) \
                    | (coalesce(company.contact_number, 0)::bigint << 2) \
                    | CASE WHEN contact.exclude_from_segments THEN 2 ELSE 0 END \
                    | CASE WHEN contact.privacy_blocked THEN 1 ELSE 0 END \
                FROM contacts contact LEFT JOIN contacts company \
                    ON company.tenant_id = $1 AND company.kind = 1 AND company.id = \
                        CASE WHEN contact.kind = 1 THEN contact.id ELSE contact.company_id END \
                WHERE contact.tenant_id = $1 \
                    AND contact.contact_number = ANY (l.contact_numbers)) END AS traits ",
        "FROM clocks c LEFT JOIN LATERAL ( \
            SELECT ch.*, count(*) OVER () AS total, \
                sum(pg_column_size(ch.contact_numbers)) \
                    OVER (ORDER BY ch.revision, ch.kind, ch.subject_id) AS volume \
            FROM changes ch \
            WHERE ch.tenant_id = $1 AND ch.revision > $2 AND c.revision - $2 <= $3 \
                AND ((kind IN (1, 2, 9) AND $4) OR (kind IN (4, 5, 8) AND $5) \
                    OR (kind IN (6, 7, 9) AND subject_id = ANY ($6)) \
                    OR (kind IN (10, 11, 12) AND code = ANY ($7))) \
            ORDER BY ch.revision, ch.kind, ch.subject_id LIMIT $8) l \
            ON coalesce(l.volume, 0) <= 8000000 \
         WHERE c.tenant_id = $1 ORDER BY l.revision, l.kind, l.subject_id"
    ))
    .bind::<Integer, _>(tenant_id)
    .bind::<BigInt, _>(since)
    .bind::<BigInt, _>(MAX_REVISIONS)
    .bind::<Bool, _>(interest.groups)
    .bind::<Bool, _>(interest.contacts)
    .bind::<Array<Integer>, _>(interest.members_of.clone())
    .bind::<Array<Text>, _>(interest.segments.clone())
    .bind::<BigInt, _>(MAX_ROWS)
    .load(conn)
    .await?;
    let Some(first) = rows.as_slice().first() else {
        return Ok(Tail {
            revision: 0,
            rows: Some(Vec::new()),
        });
    };
    let (revision, known, total) = (first.current, first.known, first.total);
    let changes: Vec<LogRow> = rows
        .into_iter()
        .map(|row| row.change)
        .filter(|change| change.kind != 0)
        .collect();
    let complete = known && i64::try_from(changes.len()) == Ok(total);
    Ok(Tail {
        revision,
        rows: complete.then_some(changes),
    })
}
