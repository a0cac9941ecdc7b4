//! The change log: what each revision changed, in the order of commits and without gaps.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Transaction, sql::sql};
use crate::{
    model::{Change, Code, ContactId, ContactSet, Revision, TenantId},
    schema::clocks,
};

/// The tenant's revision; 0 for a tenant that has never written.
pub(crate) async fn revision(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<Revision> {
    let revision = clocks::table
        .find(tenant_id)
        .select(clocks::revision)
        .first(conn)
        .await;
    Ok(revision.optional()?.unwrap_or(0))
}

/// The contacts deleted after `since`, as far as the log is kept.
pub(crate) async fn deleted_since(
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
    // A log that is much longer is not worth reading.
    let rows: Vec<Row> = sql(
        "SELECT $2 >= c.history_start AND c.revision - $2 <= 50000 AS known, \
             l.contact_numbers \
         FROM clocks c LEFT JOIN changes l ON l.tenant_id = $1 AND l.revision > $2 \
             AND l.kind = 8 AND c.revision - $2 <= 50000 \
         WHERE c.tenant_id = $1",
    )
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

/// Moves the clock on and writes the log of one revision.
pub(super) async fn append(
    tx: &mut Transaction,
    changes: Vec<Change>,
    request_id: &str,
) -> QueryResult<()> {
    let mut columns = Columns::default();
    changes.into_iter().for_each(|change| columns.push(change));
    let clock = tx.clock();
    sql("WITH moved AS ( \
             UPDATE clocks SET revision = $2, next_contact_number = $3, \
                 next_contact_serial = $4, next_group_id = $5, next_segment_number = $16, \
                 next_segment_serial = $17, next_criteria_number = $18 \
             WHERE tenant_id = $1), \
         made AS ( \
             INSERT INTO revisions (tenant_id, revision, commit_time, request_id) \
             VALUES ($1, $2, $6, $7)) \
         INSERT INTO changes (tenant_id, revision, kind, subject_id, code, former_code, \
             contact_numbers, contact_ids) \
         SELECT $1, $2, kind, subject_id, code, former_code, \
             CASE WHEN upto IS NOT NULL THEN ($8)[after + 1 : upto] END, \
             CASE WHEN kind = 8 THEN $9 END \
         FROM unnest(($10), ($11), ($12), ($13), ($14), ($15)) \
             AS c (kind, subject_id, code, former_code, after, upto)")
    .bind::<Integer, _>(tx.tenant_id())
    .bind::<BigInt, _>(tx.revision())
    .bind::<Integer, _>(clock.next_contact_number)
    .bind::<BigInt, _>(clock.next_contact_serial)
    .bind::<Integer, _>(clock.next_group_id)
    .bind::<Timestamptz, _>(tx.time())
    .bind::<Text, _>(request_id.to_owned())
    .bind::<Array<Integer>, _>(columns.contact_numbers)
    .bind::<Array<Text>, _>(columns.contact_ids)
    .bind::<Array<SmallInt>, _>(columns.kind)
    .bind::<Array<Integer>, _>(columns.subject_id)
    .bind::<Array<Nullable<Text>>, _>(columns.code)
    .bind::<Array<Nullable<Text>>, _>(columns.former_code)
    .bind::<Array<Integer>, _>(columns.after)
    .bind::<Array<Nullable<Integer>>, _>(columns.upto)
    .bind::<Integer, _>(clock.next_segment_number)
    .bind::<BigInt, _>(clock.next_segment_serial)
    .bind::<Integer, _>(clock.next_criteria_number)
    .execute(tx)
    .await?;
    Ok(())
}

/// The rows to be, column by column. The contact numbers of all rows stand in one array, of
/// which each row with numbers has a slice.
#[derive(Default)]
struct Columns {
    kind: Vec<i16>,
    subject_id: Vec<i32>,
    code: Vec<Option<String>>,
    former_code: Vec<Option<Code>>,
    after: Vec<i32>,
    upto: Vec<Option<i32>>,
    contact_numbers: Vec<i32>,
    contact_ids: Vec<ContactId>,
}

impl Columns {
    fn push(&mut self, change: Change) {
        match change {
            Change::GroupCreated(id, code) => self.named(1, id, code),
            Change::GroupRenamed(id, code, former) => {
                self.row(2, id, Some(code.into()), Some(former));
            }
            Change::GroupUpdated(id, code) => self.named(3, id, code),
            Change::ContactsCreated(numbers) => self.numbered(4, 0, None, numbers),
            Change::ContactsUpdated(numbers) => self.numbered(5, 0, None, numbers),
            Change::MembersAdded(id, code, numbers) => self.numbered(6, id, Some(code), numbers),
            Change::MembersRemoved(id, code, numbers) => self.numbered(7, id, Some(code), numbers),
            Change::ContactsDeleted(numbers, ids) => {
                self.contact_ids = ids;
                self.numbered(8, 0, None, numbers);
            }
            Change::GroupDeleted(id, code) => self.named(9, id, code),
            Change::SegmentCreated(number, id) => self.named(10, number, id),
            Change::SegmentUpdated(number, id) => self.named(11, number, id),
            Change::SegmentDeleted(number, id) => self.named(12, number, id),
            Change::CriteriaSaved(number, code) => self.named(13, number, code),
            Change::CriteriaDeleted(number, code) => self.named(14, number, code),
        }
    }

    fn named(&mut self, kind: i16, subject_id: i32, name: impl Into<String>) {
        self.row(kind, subject_id, Some(name.into()), None);
    }

    fn numbered(&mut self, kind: i16, subject_id: i32, code: Option<Code>, numbers: Vec<i32>) {
        self.row(kind, subject_id, code.map(Into::into), None);
        self.contact_numbers.extend(numbers);
        let upto = self.offset();
        self.upto.pop();
        self.upto.push(Some(upto));
    }

    fn row(&mut self, kind: i16, subject_id: i32, code: Option<String>, former: Option<Code>) {
        let after = self.offset();
        self.kind.push(kind);
        self.subject_id.push(subject_id);
        self.code.push(code);
        self.former_code.push(former);
        self.after.push(after);
        self.upto.push(None);
    }

    fn offset(&self) -> i32 {
        i32::try_from(self.contact_numbers.len()).unwrap_or(i32::MAX)
    }
}
