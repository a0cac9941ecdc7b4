//! Writing the change log: what each revision changed, in commit order and without gaps.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{Change, ChangeKind, Code, Commit, ContactId, Revision, TenantId, Time},
    schema::clocks,
    store::sql::sql,
};

/// A tenant's row in `clocks`: the revision, the next numbers, and what it has and may have.
#[derive(HasQuery)]
#[diesel(table_name = clocks)]
pub(in crate::store) struct RevisionCounter {
    pub(in crate::store) revision: Revision,
    pub(in crate::store) next_contact_number: i32,
    pub(in crate::store) next_contact_serial: i64,
    pub(in crate::store) next_group_id: i32,
    pub(in crate::store) next_segment_number: i32,
    pub(in crate::store) next_segment_serial: i64,
    pub(in crate::store) next_criteria_number: i32,
    pub(in crate::store) contact_count: i64,
    pub(in crate::store) mailing_group_count: i64,
    pub(in crate::store) max_contacts: i64,
    pub(in crate::store) max_mailing_groups: i64,
    pub(in crate::store) max_segments: i64,
}

/// Locks the revision counter of a tenant. See `assign.sql` for BETWEEN, by which Citus does not know the
/// tenant's shard.
macro_rules! lock_counter {
    ($connection:expr, $tenant_id:expr $(, $wait:literal)?) => {
        sql_of::<RevisionCounter>(
            sql(match $connection.has_citus() {
                true => concat!("FROM clocks WHERE tenant_id = $1 FOR UPDATE ", $($wait)?),
                false => concat!(
                    "FROM clocks WHERE tenant_id BETWEEN $1 AND $1 ORDER BY tenant_id DESC LIMIT 1 \
                     FOR UPDATE ", $($wait)?
                ),
            })
            .bind::<Integer, _>($tenant_id),
        )
    };
}

pub(in crate::store) use lock_counter;

/// Which calls make a revision.
pub(crate) struct Origin<'c> {
    pub(crate) request_id: &'c str,
    /// Who calls, each on a line.
    pub(crate) actors: &'c str,
}

/// What is written at the end of a transaction.
pub(in crate::store) struct ChangeSet<'c> {
    pub(in crate::store) tenant_id: TenantId,
    pub(in crate::store) commit: Commit,
    pub(in crate::store) time: Time,
    pub(in crate::store) origin: Origin<'c>,
    pub(in crate::store) counter: &'c RevisionCounter,
    pub(in crate::store) changes: Vec<Change>,
}

/// What `append_changes.sql` does, in statements that Citus sends to one shard.
const STEPS: [&str; 3] = [
    include_str!("../sql/advance_clock.sql"),
    include_str!("../sql/insert_revision.sql"),
    include_str!("../sql/insert_changes.sql"),
];

const AT_ONCE: [&str; 1] = [include_str!("../sql/append_changes.sql")];

/// Advances the tenant's counters and writes the log of one revision.
pub(in crate::store) async fn append(
    conn: &mut AsyncPgConnection,
    set: ChangeSet<'_>,
    in_steps: bool,
) -> QueryResult<()> {
    let mut columns = EntryColumns::default();
    set.changes
        .into_iter()
        .for_each(|change| columns.push(change));
    let counter = set.counter;
    let texts = if in_steps { &STEPS[..] } else { &AT_ONCE };
    for text in texts {
        sql(text)
            .bind::<Integer, _>(set.tenant_id)
            .bind::<BigInt, _>(set.commit.revision)
            .bind::<Timestamptz, _>(set.time)
            .bind::<Text, _>(set.origin.request_id.to_owned())
            .bind::<Integer, _>(counter.next_contact_number)
            .bind::<BigInt, _>(counter.next_contact_serial)
            .bind::<Integer, _>(counter.next_group_id)
            .bind::<Integer, _>(counter.next_segment_number)
            .bind::<BigInt, _>(counter.next_segment_serial)
            .bind::<Integer, _>(counter.next_criteria_number)
            .bind::<Array<Integer>, _>(columns.contact_numbers.clone())
            .bind::<Array<Text>, _>(columns.contact_ids.clone())
            .bind::<Array<SmallInt>, _>(columns.kind.clone())
            .bind::<Array<Integer>, _>(columns.subject_id.clone())
            .bind::<Array<Nullable<Text>>, _>(columns.code.clone())
            .bind::<Array<Nullable<Text>>, _>(columns.former_code.clone())
            .bind::<Array<Integer>, _>(columns.first.clone())
            .bind::<Array<Nullable<Integer>>, _>(columns.last.clone())
            .bind::<BigInt, _>(set.commit.id)
            .bind::<BigInt, _>(counter.contact_count)
            .bind::<BigInt, _>(counter.mailing_group_count)
            .bind::<Text, _>(set.origin.actors.to_owned())
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// The entries by column. The contact numbers of all entries are in one array, of which each entry
/// with numbers has a slice.
#[derive(Default)]
struct EntryColumns {
    kind: Vec<ChangeKind>,
    subject_id: Vec<i32>,
    code: Vec<Option<String>>,
    former_code: Vec<Option<Code>>,
    first: Vec<i32>,
    last: Vec<Option<i32>>,
    contact_numbers: Vec<i32>,
    contact_ids: Vec<ContactId>,
}

impl EntryColumns {
    fn push(&mut self, change: Change) {
        let kind = change.kind();
        match change {
            Change::GroupCreated(id, code)
            | Change::GroupUpdated(id, code)
            | Change::GroupDeleted(id, code) => self.named(kind, id, code),
            Change::GroupRenamed(id, code, former) => {
                self.row(kind, id, Some(code.into()), Some(former));
            }
            Change::ContactsCreated(numbers) | Change::ContactsUpdated(numbers) => {
                self.numbered(kind, 0, None, numbers);
            }
            Change::MembersAdded(id, code, numbers) | Change::MembersRemoved(id, code, numbers) => {
                self.numbered(kind, id, Some(code), numbers);
            }
            Change::ContactsDeleted(numbers, ids) => {
                self.contact_ids = ids;
                self.numbered(kind, 0, None, numbers);
            }
            Change::SegmentCreated(number, id)
            | Change::SegmentUpdated(number, id)
            | Change::SegmentDeleted(number, id) => self.named(kind, number, id),
            Change::CriteriaSaved(number, code) | Change::CriteriaDeleted(number, code) => {
                self.named(kind, number, code);
            }
        }
    }

    fn named(&mut self, kind: ChangeKind, subject_id: i32, name: impl Into<String>) {
        self.row(kind, subject_id, Some(name.into()), None);
    }

    fn numbered(&mut self, kind: ChangeKind, subject: i32, code: Option<Code>, numbers: Vec<i32>) {
        self.row(kind, subject, code.map(Into::into), None);
        self.contact_numbers.extend(numbers);
        let last = self.offset();
        if let Some(entry) = self.last.last_mut() {
            *entry = Some(last);
        }
    }

    fn row(&mut self, kind: ChangeKind, subject: i32, code: Option<String>, former: Option<Code>) {
        let first = self.offset();
        self.kind.push(kind);
        self.subject_id.push(subject);
        self.code.push(code);
        self.former_code.push(former);
        self.first.push(first);
        self.last.push(None);
    }

    fn offset(&self) -> i32 {
        i32::try_from(self.contact_numbers.len()).unwrap_or(i32::MAX)
    }
}
