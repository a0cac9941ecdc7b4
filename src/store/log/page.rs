//! Reading the change log page by page, for watchers.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::LogEntry;
use crate::{
    model::{ChangeKind, Code, Commit, Revision, TenantId, Time},
    store::sql::sql,
};

/// Maximum number of entries on a page. A revision that changes at most 10,000 things has no more.
const PAGE_ENTRIES: usize = 10_000;

/// Maximum number of contacts that are read of one entry at a time.
pub(crate) const SLICE: i32 = 10_000;

/// Maximum number of revisions of a page: if filters leave few entries, this bounds how long one
/// statement searches.
const PAGE_REVISIONS: Revision = 20_000;

/// Bytes of contact numbers, as stored, after which a page ends. 10,000 entries of one number each
/// have fewer.
const PAGE_BYTES: i64 = 320_000;

/// A position in the log: the entry that is read next, or the first one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogPosition {
    pub(crate) revision: Revision,
    /// `None`: before the first entry of the revision.
    pub(crate) kind: Option<ChangeKind>,
    /// The number of the group or segment.
    pub(crate) subject_id: i32,
    /// How many contacts of this entry were read before.
    pub(crate) skip: i32,
}

impl LogPosition {
    /// Before the first change of a revision.
    pub(crate) fn at(revision: Revision) -> Self {
        Self {
            revision,
            kind: None,
            subject_id: 0,
            skip: 0,
        }
    }
}

/// Which entries of the log are read.
#[derive(Debug, Clone)]
pub(crate) struct PageFilter {
    pub(crate) kinds: Vec<ChangeKind>,
    /// Codes of groups; empty for all. Entries that name no group are not affected.
    pub(crate) codes: Vec<Code>,
}

/// An entry on a page.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct PageEntry {
    /// The entry, with at most a slice of its contacts.
    #[diesel(embed)]
    pub(crate) entry: LogEntry,
    /// The ids of deleted contacts, in the order of the numbers.
    #[diesel(sql_type = Nullable<Array<Text>>)]
    pub(crate) contact_ids: Option<Vec<String>>,
    /// How many contacts of the entry follow after the slice.
    #[diesel(sql_type = Integer)]
    pub(crate) left: i32,
    /// Whether the entry is within the page's number of bytes.
    #[diesel(sql_type = Bool)]
    within: bool,
    /// When the revision was committed.
    #[diesel(sql_type = Timestamptz)]
    pub(crate) commit_time: Time,
    /// The request that made it.
    #[diesel(sql_type = Text)]
    pub(crate) request_id: String,
    /// Who made it, each on a line.
    #[diesel(sql_type = Text)]
    pub(crate) actors: String,
    #[diesel(sql_type = BigInt)]
    commit_id: i64,
}

impl PageEntry {
    /// The commit that made the entry.
    pub(crate) fn commit(&self) -> Commit {
        Commit {
            revision: self.entry.revision,
            id: self.commit_id,
        }
    }
}

/// A page of the log, and the bounds of the log at the same moment.
#[derive(Debug)]
pub(crate) struct LogPage {
    /// The tenant's revision.
    pub(crate) current: Revision,
    /// The log is kept from the revision after this one on.
    pub(crate) oldest: Revision,
    /// Whether the commit that was read last is not part of the history.
    pub(crate) replaced: bool,
    /// The id of the commit of [`LogPage::last_revision`].
    pub(crate) last_id: i64,
    /// The entries, in order; an incomplete or surplus one at the end if there are more.
    pub(crate) entries: Vec<PageEntry>,
}

impl LogPage {
    /// The index of the first entry that is incomplete or does not belong to the page; `None` if
    /// the page contains everything up to [`LogPage::last_revision`].
    pub(crate) fn incomplete(&self) -> Option<usize> {
        let incomplete = |entry: &PageEntry| !entry.within || entry.left > 0;
        let first = self.entries.iter().position(incomplete);
        let surplus = (self.entries.len() > PAGE_ENTRIES).then_some(PAGE_ENTRIES);
        first.into_iter().chain(surplus).min()
    }

    /// Whether the entry at `index` was read, at least in part.
    pub(crate) fn is_read(&self, index: usize) -> bool {
        index < PAGE_ENTRIES && self.entries[index].within
    }

    /// The last revision that a page from `start` on covers.
    pub(crate) fn last_revision(&self, start: Revision) -> Revision {
        let last = start + PAGE_REVISIONS - 1;
        self.current.min(last).max(start - 1)
    }
}

/// Reads a page of the log from a position on, after the commit that was read last. An unknown tenant is at revision 0.
pub(crate) async fn page(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    position: LogPosition,
    anchor: Commit,
    filter: &PageFilter,
) -> QueryResult<LogPage> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        current: Revision,
        #[diesel(sql_type = BigInt)]
        oldest: Revision,
        #[diesel(sql_type = Bool)]
        replaced: bool,
        #[diesel(sql_type = BigInt)]
        last_id: i64,
        #[diesel(embed)]
        entry: Option<PageEntry>,
    }
    let naming_groups: Vec<_> = ChangeKind::all().filter(|it| it.names_group()).collect();
    let rows: Vec<Row> = sql(include_str!("../sql/change_page.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<BigInt, _>(position.revision)
        .bind::<SmallInt, _>(position.kind.map_or(0, ChangeKind::number))
        .bind::<Integer, _>(position.subject_id)
        .bind::<Integer, _>(position.skip)
        .bind::<Integer, _>(SLICE)
        .bind::<Array<SmallInt>, _>(filter.kinds.clone())
        .bind::<Array<Text>, _>(filter.codes.clone())
        .bind::<BigInt, _>(PAGE_ENTRIES as i64 + 1)
        .bind::<BigInt, _>(PAGE_BYTES)
        .bind::<BigInt, _>(PAGE_REVISIONS)
        .bind::<Array<SmallInt>, _>(naming_groups)
        .bind::<BigInt, _>(anchor.revision)
        .bind::<BigInt, _>(anchor.id)
        .load(conn)
        .await?;
    let mut page = LogPage {
        current: 0,
        oldest: 0,
        replaced: anchor.revision > 0,
        last_id: 0,
        entries: Vec::new(),
    };
    if let Some(row) = rows.as_slice().first() {
        (page.current, page.oldest) = (row.current, row.oldest);
        (page.replaced, page.last_id) = (row.replaced, row.last_id);
    }
    Ok(LogPage {
        entries: rows.into_iter().filter_map(|row| row.entry).collect(),
        ..page
    })
}
