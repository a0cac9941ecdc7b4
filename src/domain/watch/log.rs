//! Reading the log from a place on, and putting together what belongs to one revision.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Changes,
    resolve::{Names, change},
};
use crate::{
    domain::{Call, Domain, Error, Result},
    model::{Revision, TenantId},
    store::history::{self, HistoryPage, HistoryRow, PAGE_ROWS, Place, RowFilter, SLICE, SPAN},
};

/// The most contacts whose names are looked up together, and the most in one message.
const ITEMS: usize = 10_000;

/// The most revisions that are put together at a time.
const REVISIONS: usize = 1_000;

/// The log from a place on.
pub(super) struct Log {
    domain: Domain,
    call: Call,
    filter: RowFilter,
    place: Place,
    /// Rows that were read and not put together yet.
    rows: VecDeque<HistoryRow>,
    /// Whether more rows of the last row's revision follow.
    more: bool,
    behind: bool,
}

impl Log {
    /// The log after a revision.
    pub(super) fn new(domain: &Domain, call: &Call, after: Revision, filter: RowFilter) -> Self {
        Self {
            domain: domain.clone(),
            call: call.clone(),
            filter,
            place: Place::at(after + 1),
            rows: VecDeque::new(),
            more: false,
            behind: false,
        }
    }

    /// The revision up to which everything was read.
    pub(super) fn seen(&self) -> Revision {
        self.place.revision - 1
    }

    /// Whether there was more when the log was last read.
    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }

    /// What comes next, whole revisions if they are not too large; nothing if there is nothing
    /// in the next page.
    pub(super) async fn read(&mut self) -> Result<Vec<Changes>> {
        let news = Arc::clone(&self.domain.news);
        let _turn = news.turn().await?;
        let tenant_id = self.domain.tenant_id(&self.call).await?.unwrap_or(0);
        if self.rows.is_empty() {
            self.fetch(tenant_id).await?;
        }
        let (rows, more) = self.batch();
        let names = match rows.is_empty() {
            true => return Ok(Vec::new()),
            false => self.names(tenant_id, &rows).await?,
        };
        let mut all: Vec<Changes> = Vec::new();
        for row in rows {
            if all.last().is_none_or(|last| last.revision != row.revision) {
                all.push(Changes {
                    revision: row.revision,
                    commit_time: row.commit_time,
                    request_id: row.request_id.clone(),
                    changes: Vec::new(),
                    more: false,
                });
            }
            if let Some(last) = all.last_mut() {
                last.changes.extend(change(row, &names)?);
            }
        }
        if let Some(last) = all.last_mut() {
            last.more = more;
        }
        Ok(all)
    }

    async fn fetch(&mut self, tenant_id: TenantId) -> Result<()> {
        let (place, filter) = (self.place, &self.filter);
        let read = async |conn: &mut _| Ok(history::page(conn, tenant_id, place, filter).await?);
        let page = self.domain.read(read).await?;
        if place.revision <= page.oldest {
            return Err(Error::HistoryPruned {
                oldest: page.oldest,
            });
        }
        let current = page.current;
        let cut = Cut::of(page, place);
        self.rows = cut.rows.into();
        self.more = cut.more;
        self.place = cut.next;
        self.behind = self.place.revision <= current;
        Ok(())
    }

    /// Takes rows: as many whole revisions as fit, or a part of one that does not. Whether more
    /// of the last one follows.
    fn batch(&mut self) -> (Vec<HistoryRow>, bool) {
        let mut taken: Vec<HistoryRow> = Vec::new();
        // What was taken before the last revision began.
        let (mut items, mut revisions, mut whole) = (0, 0, 0);
        while let Some(row) = self.rows.pop_front() {
            if taken
                .last()
                .is_none_or(|last| last.revision != row.revision)
            {
                (whole, revisions) = (taken.len(), revisions + 1);
            }
            items += weight(&row);
            let full = items > ITEMS || revisions > REVISIONS;
            if full && !taken.is_empty() {
                self.rows.push_front(row);
                let rest = if whole > 0 { whole } else { taken.len() };
                for row in taken.drain(rest..).rev() {
                    self.rows.push_front(row);
                }
                return (taken, whole == 0);
            }
            taken.push(row);
        }
        (taken, self.more)
    }

    async fn names(&self, tenant_id: TenantId, rows: &[HistoryRow]) -> Result<Names> {
        let names = self
            .domain
            .read(async |conn| Names::read(conn, tenant_id, rows).await)
            .await?;
        if names.is_complete(rows) {
            return Ok(names);
        }
        // Pruning goes from the oldest on, so it has taken these rows with the ones that told
        // the ids.
        let bounds = async |conn: &mut _| Ok(history::bounds(conn, tenant_id).await?);
        let (_, oldest) = self.domain.read(bounds).await?;
        match rows.first().is_some_and(|row| row.revision <= oldest) {
            true => Err(Error::HistoryPruned { oldest }),
            false => Err(Error::broken("a changed contact has no id")),
        }
    }
}

fn weight(row: &HistoryRow) -> usize {
    row.contact_numbers
        .as_ref()
        .map_or(1, |numbers| numbers.len().max(1))
}

/// A page cut where a revision ends, if one ends in it.
struct Cut {
    rows: Vec<HistoryRow>,
    /// Whether more rows of the last row's revision follow.
    more: bool,
    next: Place,
}

impl Cut {
    fn of(page: HistoryPage, from: Place) -> Self {
        let mut rows = page.rows;
        let whole = |row: &HistoryRow| row.within && row.left == 0;
        let Some(at) = (0..rows.len()).find(|at| *at == PAGE_ROWS || !whole(&rows[*at])) else {
            let upto = page
                .current
                .min(from.revision + SPAN - 1)
                .max(from.revision - 1);
            return Self {
                rows,
                more: false,
                next: Place::at(upto + 1),
            };
        };
        let revision = rows[at].revision;
        let before = rows.partition_point(|row| row.revision < revision);
        if before > 0 {
            rows.truncate(before);
            return Self {
                rows,
                more: false,
                next: Place::at(revision),
            };
        }
        let next = Self::within(&rows[at], from);
        rows.truncate(if rows[at].within && at < PAGE_ROWS {
            at + 1
        } else {
            at
        });
        Self {
            rows,
            more: true,
            next,
        }
    }

    /// The place after the part of a row that was read; the row itself if nothing was.
    fn within(row: &HistoryRow, from: Place) -> Place {
        let mut next = Place {
            kind: row.kind,
            subject_id: row.subject_id,
            ..Place::at(row.revision)
        };
        if row.within && row.left > 0 {
            let is_same = (next.revision, next.kind, next.subject_id)
                == (from.revision, from.kind, from.subject_id);
            next.skip = SLICE + if is_same { from.skip } else { 0 };
        }
        next
    }
}
