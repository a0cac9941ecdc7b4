//! Reading what changed cached sets since a revision.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::LogEntry;
use crate::{
    model::{AffectedSets, AttributeKey, ChangeKind, Commit, Revision, SegmentId, TenantId},
    store::sql::sql,
};

/// Maximum length of the log that is read, in revisions and in entries.
const MAX_REVISIONS: i64 = 50_000;
const MAX_ENTRIES: i64 = 20_000;

/// The attributes of changed contacts are read up to this volume of contact numbers, in bytes, times the number
/// of keys: four keys of about 25,000 contacts. To load a set again takes less than to read many more.
const MAX_ATTRIBUTES_VOLUME: usize = 400_000;
const MIN_KEYS: usize = 4;

/// Which entries of the log a reader needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Codes of groups.
    pub codes: bool,
    /// Contacts: created, changed, deleted.
    pub contacts: bool,
    /// Members of these groups.
    pub members_of: Vec<i32>,
    /// Contacts that have these e-mail addresses now, in lower case.
    pub emails: Vec<String>,
    /// Contacts that have attributes of these keys now.
    pub attributes: Vec<AttributeKey>,
    /// These segments.
    pub segments: Vec<SegmentId>,
}

impl LogFilter {
    /// Makes filters of the same sets equal, in whatever order the sets were added.
    pub(crate) fn sort(&mut self) {
        self.members_of.sort_unstable();
        self.emails.sort_unstable();
        self.attributes.sort_unstable();
        self.attributes.dedup();
        self.segments.sort_unstable();
    }

    /// Up to which volume of contact numbers, in bytes, attributes are read.
    fn attributes_volume(&self) -> i64 {
        let volume = MAX_ATTRIBUTES_VOLUME / self.attributes.len().max(MIN_KEYS);
        i64::try_from(volume).unwrap_or(i64::MAX)
    }

    /// The kinds that are needed whatever their subject.
    fn any_subject(&self) -> Vec<ChangeKind> {
        kinds(|it| it.codes && self.codes || it.contacts.is_some() && self.contacts)
    }
}

fn kinds(affect: impl Fn(AffectedSets) -> bool) -> Vec<ChangeKind> {
    ChangeKind::all()
        .filter(|kind| affect(kind.affected_sets()))
        .collect()
}

/// What a contact that was created or changed is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContactState {
    pub(crate) number: u32,
    /// Its company's number; 0 for none. A company is its own.
    pub(crate) company: u32,
    pub(crate) excluded: bool,
    pub(crate) privacy_blocked: bool,
}

impl ContactState {
    /// Decodes the 64 bits that `changes_since.sql` makes.
    fn decode(bits: i64) -> Self {
        /// The lowest 31 bits.
        const NUMBER: u64 = 0x7fff_ffff;
        let bits = bits.cast_unsigned();
        let number = |bits: u64| (bits & NUMBER) as u32;
        Self {
            number: number(bits >> 33),
            company: number(bits >> 2),
            excluded: bits & 2 != 0,
            privacy_blocked: bits & 1 != 0,
        }
    }
}

/// An attribute that a contact has.
#[derive(Debug)]
pub(crate) struct ContactAttribute {
    pub(crate) number: u32,
    pub(crate) key: AttributeKey,
    pub(crate) value: String,
}

/// An entry, with the present state of contacts that were created or changed.
#[derive(Debug)]
pub(crate) struct TailEntry {
    pub(crate) entry: LogEntry,
    pub(crate) states: Vec<ContactState>,
    /// Those that have one of the e-mail addresses of the filter now, with the address.
    pub(crate) emails: Vec<(u32, String)>,
    /// Their attributes of the keys of the filter; `None` if they are too many to be read.
    pub(crate) attributes: Option<Vec<ContactAttribute>>,
}

/// The log since a revision.
#[derive(Debug)]
pub struct LogTail {
    /// The tenant's state.
    pub(crate) head: Commit,
    /// The entries, in order; `None` if there are too many, or the log does not reach back.
    pub(crate) entries: Option<Vec<TailEntry>>,
    /// Those of the known commits that are not part of the tenant's history: they were lost.
    pub(crate) replaced: Vec<Revision>,
}

impl LogTail {
    /// The tail if nothing has changed.
    pub(crate) fn unchanged(head: Commit) -> Self {
        Self {
            head,
            entries: Some(Vec::new()),
            replaced: Vec::new(),
        }
    }
}

/// The changes that `filter` selects after the oldest of `known`, the commits of cached sets.
pub async fn changes_since(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    known: &[Commit],
    filter: &LogFilter,
) -> QueryResult<LogTail> {
    let (revisions, ids): (Vec<_>, Vec<_>) = known.iter().map(|it| (it.revision, it.id)).unzip();
    let since = revisions.iter().copied().min().unwrap_or_default();
    let rows: Vec<Row> = sql(include_str!("../sql/changes_since.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<BigInt, _>(since)
        .bind::<BigInt, _>(MAX_REVISIONS)
        .bind::<Array<SmallInt>, _>(filter.any_subject())
        .bind::<Array<SmallInt>, _>(kinds(|affected| affected.members))
        .bind::<Array<Integer>, _>(filter.members_of.clone())
        .bind::<Array<SmallInt>, _>(kinds(|affected| affected.segment))
        .bind::<Array<Text>, _>(filter.segments.clone())
        .bind::<BigInt, _>(MAX_ENTRIES)
        .bind::<Array<Text>, _>(filter.emails.clone())
        .bind::<Array<BigInt>, _>(revisions.clone())
        .bind::<Array<BigInt>, _>(ids)
        .bind::<Array<Text>, _>(filter.attributes.clone())
        .bind::<BigInt, _>(filter.attributes_volume())
        .load(conn)
        .await?;
    let Some(first) = rows.as_slice().first() else {
        return Ok(LogTail {
            head: Commit::default(),
            entries: Some(Vec::new()),
            replaced: revisions.into_iter().filter(|it| *it > 0).collect(),
        });
    };
    let head = Commit {
        revision: first.current,
        id: first.commit_id,
    };
    let (reached, total, replaced) = (first.known, first.total, first.replaced.clone());
    let entries: Vec<_> = rows.into_iter().filter_map(Row::entry).collect();
    let complete = reached && i64::try_from(entries.len()) == Ok(total);
    Ok(LogTail {
        head,
        entries: complete.then_some(entries),
        replaced,
    })
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    current: Revision,
    #[diesel(sql_type = BigInt)]
    commit_id: i64,
    #[diesel(sql_type = Bool)]
    known: bool,
    #[diesel(sql_type = Array<BigInt>)]
    replaced: Vec<Revision>,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(embed)]
    entry: Option<LogEntry>,
    #[diesel(sql_type = Nullable<Array<BigInt>>)]
    states: Option<Vec<i64>>,
    #[diesel(sql_type = Nullable<Array<Integer>>)]
    email_numbers: Option<Vec<i32>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    emails: Option<Vec<String>>,
    #[diesel(sql_type = Bool)]
    has_attributes: bool,
    #[diesel(sql_type = Nullable<Array<Integer>>)]
    attribute_numbers: Option<Vec<i32>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    attribute_keys: Option<Vec<AttributeKey>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    attribute_values: Option<Vec<String>>,
}

impl Row {
    fn entry(self) -> Option<TailEntry> {
        let states = self.states.into_iter().flatten();
        let numbers = self.email_numbers.into_iter().flatten();
        let numbers = numbers.map(i32::cast_unsigned);
        let keys = self.attribute_keys.into_iter().flatten();
        let values = self.attribute_values.into_iter().flatten();
        let attributes = self
            .attribute_numbers
            .into_iter()
            .flatten()
            .zip(keys.zip(values));
        let attributes = attributes.map(|(number, (key, value))| ContactAttribute {
            number: number.cast_unsigned(),
            key,
            value,
        });
        Some(TailEntry {
            entry: self.entry?,
            states: states.map(ContactState::decode).collect(),
            emails: numbers.zip(self.emails.into_iter().flatten()).collect(),
            attributes: self.has_attributes.then(|| attributes.collect()),
        })
    }
}
