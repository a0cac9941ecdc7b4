//! Reads the log from a position on, and groups the entries by revision.

use std::{collections::VecDeque, sync::Arc};

use chrono::Utc;

use super::{
    RevisionChanges,
    resolve::{Lookup, change},
};
use crate::{
    domain::{Call, Domain, Error, Result},
    model::{Commit, TenantId},
    store::{
        self,
        log::{LogPage, LogPosition, PageEntry, PageFilter, SLICE},
    },
};

/// Maximum number of contacts that are looked up together, and in one message.
const MAX_ITEMS: usize = 10_000;

/// Maximum number of revisions that are grouped at a time.
const MAX_REVISIONS: usize = 1_000;

/// The log from a position on.
pub(super) struct LogReader {
    domain: Domain,
    call: Call,
    filter: PageFilter,
    position: LogPosition,
    /// The last commit that was read, at least in part.
    anchor: Commit,
    /// Entries that were read and not grouped yet.
    entries: VecDeque<PageEntry>,
    /// Whether more entries of the last entry's revision follow.
    more: bool,
    behind: bool,
}

impl RevisionChanges {
    /// How long ago it was committed, in seconds.
    pub(super) fn delay(&self) -> f64 {
        let delay = (Utc::now() - self.commit_time).to_std();
        // The clock of the server that wrote may be ahead.
        delay.unwrap_or_default().as_secs_f64()
    }
}

impl LogReader {
    /// The log after a commit.
    pub(super) fn new(domain: &Domain, call: &Call, after: Commit, filter: PageFilter) -> Self {
        Self {
            domain: domain.clone(),
            call: call.clone(),
            filter,
            position: LogPosition::at(after.revision + 1),
            anchor: after,
            entries: VecDeque::new(),
            more: false,
            behind: false,
        }
    }

    /// The last commit that was read.
    pub(super) fn last_commit(&self) -> Commit {
        self.anchor
    }

    /// Whether there is nothing to read if the tenant is at this commit. Of very many idle watchers each
    /// would ask the database now and then, where one question for all is enough.
    pub(super) fn is_read_up_to(&self, head: Commit) -> bool {
        let is_complete = self.entries.is_empty() && !self.more && !self.behind;
        is_complete && self.anchor == head && self.domain.notifier.is_current()
    }

    /// Whether there was more when the log was last read.
    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }

    /// The next changes: whole revisions if they are not too large. Empty if the next page is empty.
    pub(super) async fn read(&mut self) -> Result<Vec<RevisionChanges>> {
        let notifier = Arc::clone(&self.domain.notifier);
        let _permit = notifier.read_permit().await?;
        let tenant_id = self.domain.tenant_id(&self.call).await?.unwrap_or(0);
        if self.entries.is_empty() {
            self.fetch(tenant_id).await?;
        }
        let (entries, more) = self.batch();
        let lookup = match entries.is_empty() {
            true => return Ok(Vec::new()),
            false => self.lookup(tenant_id, &entries).await?,
        };
        let mut all: Vec<RevisionChanges> = Vec::new();
        for read in entries {
            let revision = read.entry.revision;
            if all
                .last()
                .is_none_or(|last| last.commit.revision != revision)
            {
                all.push(RevisionChanges {
                    commit: read.commit(),
                    commit_time: read.commit_time,
                    request_id: read.request_id.clone(),
                    actors: read.actors.clone(),
                    changes: Vec::new(),
                    more: false,
                });
            }
            if let Some(last) = all.last_mut() {
                last.changes.extend(change(read, &lookup)?);
            }
        }
        if let Some(last) = all.last_mut() {
            last.more = more;
        }
        Ok(all)
    }

    async fn fetch(&mut self, tenant_id: TenantId) -> Result<()> {
        let (position, anchor, filter) = (self.position, self.anchor, &self.filter);
        let read = async |conn: &mut _| {
            let page = store::log::page(conn, tenant_id, position, anchor, filter).await?;
            if page.replaced {
                return Err(Error::HistoryReplaced);
            }
            if position.revision <= page.oldest {
                let oldest = page.oldest;
                return Err(Error::HistoryPruned { oldest });
            }
            let current = page.current;
            let prefix = ReadablePrefix::of(page, position);
            let anchor = match prefix.last {
                Some(commit) => commit,
                None => {
                    let before = prefix.next.revision - 1;
                    let found = store::log::commit_of(conn, tenant_id, before).await?;
                    found.ok_or(Error::HistoryReplaced)?
                }
            };
            Ok((current, prefix, anchor))
        };
        let (current, prefix, anchor) = self.domain.read(tenant_id, read).await?;
        self.anchor = anchor;
        self.entries = prefix.entries.into();
        self.more = prefix.more;
        self.position = prefix.next;
        self.behind = self.position.revision <= current;
        Ok(())
    }

    /// Takes entries: as many whole revisions as fit, or a part of one that does not. Returns whether
    /// more of the last one follows.
    fn batch(&mut self) -> (Vec<PageEntry>, bool) {
        let mut taken: Vec<PageEntry> = Vec::new();
        // The counts before the last revision.
        let (mut items, mut revisions, mut whole) = (0, 0, 0);
        while let Some(read) = self.entries.pop_front() {
            if taken
                .last()
                .is_none_or(|last| last.entry.revision != read.entry.revision)
            {
                (whole, revisions) = (taken.len(), revisions + 1);
            }
            items += weight(&read);
            let full = items > MAX_ITEMS || revisions > MAX_REVISIONS;
            if full && !taken.is_empty() {
                self.entries.push_front(read);
                let rest = if whole > 0 { whole } else { taken.len() };
                for taken in taken.drain(rest..).rev() {
                    self.entries.push_front(taken);
                }
                return (taken, whole == 0);
            }
            taken.push(read);
        }
        (taken, self.more)
    }

    async fn lookup(&self, tenant_id: TenantId, entries: &[PageEntry]) -> Result<Lookup> {
        let lookup = self
            .domain
            .read(tenant_id, async |conn| {
                Lookup::read(conn, tenant_id, entries).await
            })
            .await?;
        if lookup.is_complete(entries) {
            return Ok(lookup);
        }
        // Pruning starts at the oldest revision: it has deleted these entries too.
        let bounds = async |conn: &mut _| Ok(store::log::bounds(conn, tenant_id).await?);
        let (_, oldest) = self.domain.read(tenant_id, bounds).await?;
        match entries
            .first()
            .is_some_and(|read| read.entry.revision <= oldest)
        {
            true => Err(Error::HistoryPruned { oldest }),
            false => Err(Error::broken("a changed contact has no id")),
        }
    }
}

/// The number of contacts, at least 1.
fn weight(read: &PageEntry) -> usize {
    read.entry
        .contact_numbers
        .as_ref()
        .map_or(1, |numbers| numbers.len().max(1))
}

/// The part of a page up to the end of a revision, if one ends in it.
struct ReadablePrefix {
    entries: Vec<PageEntry>,
    /// Whether more entries of the last entry's revision follow.
    more: bool,
    next: LogPosition,
    /// The last commit of the part; `None` if it has to be looked up.
    last: Option<Commit>,
}

impl ReadablePrefix {
    fn of(page: LogPage, from: LogPosition) -> Self {
        let Some(at) = page.incomplete() else {
            let last = page.last_revision(from.revision);
            return Self {
                entries: page.entries,
                more: false,
                next: LogPosition::at(last + 1),
                last: Some(Commit {
                    revision: last,
                    id: page.last_id,
                }),
            };
        };
        let is_read = page.is_read(at);
        let mut entries = page.entries;
        let revision = entries[at].entry.revision;
        let before = entries.partition_point(|it| it.entry.revision < revision);
        if before > 0 {
            entries.truncate(before);
            return Self {
                entries,
                more: false,
                next: LogPosition::at(revision),
                last: None,
            };
        }
        let next = Self::after_part(&entries[at], is_read, from);
        let last = Some(entries[at].commit());
        entries.truncate(at + usize::from(is_read));
        Self {
            entries,
            more: true,
            next,
            last,
        }
    }

    /// The position after the part of an entry that was read; the entry itself if nothing was.
    fn after_part(part: &PageEntry, is_read: bool, from: LogPosition) -> LogPosition {
        let mut next = LogPosition {
            kind: Some(part.entry.kind),
            subject_id: part.entry.subject_id,
            ..LogPosition::at(part.entry.revision)
        };
        if is_read && part.left > 0 {
            let is_same = (next.revision, next.kind, next.subject_id)
                == (from.revision, from.kind, from.subject_id);
            next.skip = SLICE + if is_same { from.skip } else { 0 };
        }
        next
    }
}
