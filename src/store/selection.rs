//! What selections are made of, as the database knows it. Every function reads at one revision
//! and says which.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::sql::{Sql, sql};
use crate::{
    model::{Code, Contact, ContactId, ContactSet, Revision, SegmentId, TenantId},
    schema::contacts,
};

/// Something read, and the revision at which it is so.
pub type At<T> = (Revision, T);

/// The contacts of `$from`, in rows of at most 65,536: what one container of a roaring bitmap
/// covers. At least one row comes back, for the revision.
macro_rules! set_of {
    ($from:literal) => {
        concat!(
            "SELECT c.revision, p.contact_numbers FROM clocks c LEFT JOIN LATERAL ( \
                 SELECT array_agg(contact_number) AS contact_numbers FROM ",
            $from,
            " GROUP BY contact_number >> 16) p ON true WHERE c.tenant_id = $1"
        )
    };
}

/// The members of a group.
pub async fn members(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    group_id: i32,
) -> QueryResult<At<ContactSet>> {
    let query = sql(set_of!(
        "memberships WHERE tenant_id = $1 AND group_id = $2"
    ));
    load(
        conn,
        query
            .bind::<Integer, _>(tenant_id)
            .bind::<Integer, _>(group_id),
    )
    .await
}

/// All contacts.
pub async fn everyone(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<At<ContactSet>> {
    load(
        conn,
        sql(set_of!("contacts WHERE tenant_id = $1")).bind::<Integer, _>(tenant_id),
    )
    .await
}

/// All companies.
pub async fn companies(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<At<ContactSet>> {
    let query = sql(set_of!("contacts WHERE tenant_id = $1 AND kind = 1"));
    load(conn, query.bind::<Integer, _>(tenant_id)).await
}

/// All contacts that are to be left out of segments.
pub async fn excluded(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<At<ContactSet>> {
    let query = sql(set_of!(
        "contacts WHERE tenant_id = $1 AND exclude_from_segments"
    ));
    load(conn, query.bind::<Integer, _>(tenant_id)).await
}

/// All contacts that asked to be left out of segments.
pub async fn privacy_blocked(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<At<ContactSet>> {
    let query = sql(set_of!("contacts WHERE tenant_id = $1 AND privacy_blocked"));
    load(conn, query.bind::<Integer, _>(tenant_id)).await
}

/// The codes of all groups with their numbers.
pub async fn groups(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<At<Vec<(Code, i32)>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        revision: Revision,
        #[diesel(sql_type = Nullable<Text>)]
        code: Option<Code>,
        #[diesel(sql_type = Nullable<Integer>)]
        group_id: Option<i32>,
    }
    let rows: Vec<Row> = sql("SELECT c.revision, g.code, g.group_id FROM clocks c \
         LEFT JOIN mailing_groups g ON g.tenant_id = c.tenant_id WHERE c.tenant_id = $1")
    .bind::<Integer, _>(tenant_id)
    .load(conn)
    .await?;
    let revision = rows.as_slice().first().map_or(0, |row| row.revision);
    Ok((
        revision,
        rows.into_iter()
            .filter_map(|row| Some((row.code?, row.group_id?)))
            .collect(),
    ))
}

/// The company of every contact that has one: pairs of a contact's number and its company's. A
/// company is its own.
pub async fn companies_of(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<At<Vec<(i32, i32)>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        revision: Revision,
        #[diesel(sql_type = Nullable<Array<Integer>>)]
        contact_numbers: Option<Vec<i32>>,
        #[diesel(sql_type = Nullable<Array<Integer>>)]
        company_numbers: Option<Vec<i32>>,
    }
    let rows: Vec<Row> = sql(
        "SELECT c.revision, p.contact_numbers, p.company_numbers FROM clocks c \
         LEFT JOIN LATERAL ( \
             SELECT array_agg(contact.contact_number) AS contact_numbers, \
                 array_agg(company.contact_number) AS company_numbers \
             FROM contacts contact JOIN contacts company \
                 ON company.tenant_id = $1 AND company.kind = 1 AND company.id = \
                     CASE WHEN contact.kind = 1 THEN contact.id ELSE contact.company_id END \
             WHERE contact.tenant_id = $1 \
             GROUP BY contact.contact_number >> 16) p ON true \
         WHERE c.tenant_id = $1",
    )
    .bind::<Integer, _>(tenant_id)
    .load(conn)
    .await?;
    let revision = rows.as_slice().first().map_or(0, |row| row.revision);
    let pairs = rows.into_iter().flat_map(|row| {
        let numbers = row.contact_numbers.unwrap_or_default();
        numbers
            .into_iter()
            .zip(row.company_numbers.unwrap_or_default())
    });
    Ok((revision, pairs.collect()))
}

/// The ids of the contacts whose numbers are in `from..=upto`, by number.
pub async fn ids_between(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    from: i32,
    upto: i32,
) -> QueryResult<Vec<(i32, String)>> {
    contacts::table
        .filter(contacts::tenant_id.eq(tenant_id))
        .filter(contacts::contact_number.between(from, upto))
        .order(contacts::contact_number)
        .select((contacts::contact_number, contacts::id))
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

async fn load(conn: &mut AsyncPgConnection, query: Sql) -> QueryResult<At<ContactSet>> {
    #[derive(QueryableByName)]
    struct Part {
        #[diesel(sql_type = BigInt)]
        revision: Revision,
        #[diesel(sql_type = Nullable<Array<Integer>>)]
        contact_numbers: Option<Vec<i32>>,
    }
    let parts: Vec<Part> = query.load(conn).await?;
    let revision = parts.as_slice().first().map_or(0, |part| part.revision);
    let mut set = ContactSet::new();
    for mut numbers in parts.into_iter().filter_map(|part| part.contact_numbers) {
        numbers.sort_unstable();
        set.extend(numbers.into_iter().map(i32::cast_unsigned));
    }
    set.optimize();
    Ok((revision, set))
}

/// The ids among these contacts' that still exist, by number.
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
