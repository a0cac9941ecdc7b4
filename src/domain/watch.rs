//! Watches a tenant: delivers the changes of each revision, in order and exactly once, from a revision
//! on or after a snapshot.
//!
//! A watcher pulls: it reads one page of the log when its caller needs more, and waits for
//! [`notifier`](super::notifier) when there is none. In between it holds no connection, and in memory
//! no more than that page; so a slow reader costs little and delays no other.

mod log;
mod resolve;
mod snapshot_reader;

use std::{collections::VecDeque, time::Duration};

use metrics::Histogram;
use tokio::{sync::watch::Receiver, time::Instant};

use self::{log::LogReader, snapshot_reader::SnapshotReader};
use super::{Call, Domain, Error, Result};
use crate::{
    metrics::WATCH_DELAY,
    model::{ChangeKind, ChangeTopic, Code, Commit, Contact, Revision, Time},
    store::{self, log::PageFilter},
};

/// Interval of progress events while nothing changes.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// Delay of the progress event after changes that were all filtered out.
const FILTERED_PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Where a watcher starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatchStart {
    /// With the changes after this revision.
    AfterRevision(Revision),
    /// With the changes after this commit.
    After(Commit),
    /// With the next change.
    Now,
    /// With a snapshot.
    Beginning,
}

/// What a watcher wants.
#[derive(Debug, Clone)]
pub(crate) struct WatchFilter {
    /// Only these kinds.
    pub(crate) kinds: Vec<ChangeTopic>,
    /// Of groups and memberships only those with these codes; empty means all.
    pub(crate) codes: Vec<Code>,
}

impl WatchFilter {
    fn wants(&self, kind: ChangeTopic) -> bool {
        self.kinds.contains(&kind)
    }

    fn wants_code(&self, code: &Code) -> bool {
        self.codes.is_empty() || self.codes.contains(code)
    }

    fn entries(&self) -> PageFilter {
        let kinds = ChangeKind::all().filter(|kind| self.wants(kind.topic()));
        PageFilter {
            kinds: kinds.collect(),
            codes: self.codes.clone(),
        }
    }
}

/// An event for a watcher.
#[derive(Debug)]
pub(crate) enum WatchEvent {
    /// A part of the snapshot at a revision.
    Snapshot(Revision, SnapshotPart),
    /// The snapshot at this commit is complete.
    SnapshotEnd(Commit),
    /// What a revision changed.
    Changes(RevisionChanges),
    /// All changes up to this commit were sent or filtered out.
    Progress(Commit),
}

/// A part of a snapshot.
#[derive(Debug)]
pub(crate) enum SnapshotPart {
    /// Groups: code and description.
    MailingGroups(Vec<(Code, String)>),
    /// Contacts.
    Contacts(Vec<Contact>),
    /// Some members of a group.
    Members(Code, Vec<String>),
}

/// What a revision changed, or a part of it.
#[derive(Debug)]
pub(crate) struct RevisionChanges {
    /// The revision.
    pub(crate) commit: Commit,
    /// When it was committed.
    pub(crate) commit_time: Time,
    /// The call that made it.
    pub(crate) request_id: String,
    /// Who made it, each on a line.
    pub(crate) actors: String,
    /// What changed, in the order in which it applies.
    pub(crate) changes: Vec<ResolvedChange>,
    /// Whether more of the same revision follows.
    pub(crate) more: bool,
}

/// One change. Details are as they are now; codes and ids are those of the revision.
#[derive(Debug)]
pub(crate) enum ResolvedChange {
    /// A group was created: code, description.
    GroupCreated(String, String),
    /// A group has another description: code, description.
    GroupUpdated(String, String),
    /// A group has another code: code, former code, description.
    GroupRenamed(String, String, String),
    /// A group was deleted.
    GroupDeleted(String),
    /// Contacts were created: ids, and what they are.
    ContactsCreated(Vec<(String, Option<Contact>)>),
    /// Contacts changed: ids, and what they are.
    ContactsUpdated(Vec<(String, Option<Contact>)>),
    /// Contacts were deleted.
    ContactsDeleted(Vec<String>),
    /// Contacts have a group.
    MembersAdded(String, Vec<String>),
    /// Contacts no longer have a group.
    MembersRemoved(String, Vec<String>),
    /// A segment was created.
    SegmentCreated(String),
    /// A segment changed.
    SegmentUpdated(String),
    /// A segment was deleted.
    SegmentDeleted(String),
}

/// Why a watch cannot start after a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStart {
    #[error("must not be negative")]
    Negative,
    #[error("is yet to come; the tenant is at revision {current}")]
    InFuture { current: Revision },
}

/// Opens a watch. A start before the oldest log entry or after the current revision is an error.
pub(crate) async fn watch(
    domain: &Domain,
    call: &Call,
    start: WatchStart,
    filter: WatchFilter,
) -> Result<Watch> {
    // Subscribes before the first read, so that no later revision is missed.
    let commits = domain.commits(&call.tenant);
    let (after, snapshot, last_progress) = match start {
        WatchStart::Beginning => {
            let snapshot = SnapshotReader::take(domain, call, &filter).await?;
            (snapshot.commit(), Some(snapshot), None)
        }
        WatchStart::Now => (bounds(domain, call).await?.0, None, None),
        WatchStart::AfterRevision(revision) => {
            (reachable(domain, call, revision).await?, None, None)
        }
        WatchStart::After(commit) => {
            domain.require_commit(call, commit).await?;
            (reachable(domain, call, commit.revision).await?, None, None)
        }
    };
    Ok(Watch {
        log: LogReader::new(domain, call, after, filter.entries()),
        commits,
        snapshot,
        events: VecDeque::new(),
        last_progress,
        delays: WATCH_DELAY.histogram(&[]),
    })
}

/// The commit of a revision after which the log is complete.
async fn reachable(domain: &Domain, call: &Call, revision: Revision) -> Result<Commit> {
    let (head, oldest) = bounds(domain, call).await?;
    if revision < 0 {
        return Err(Error::InvalidStart(InvalidStart::Negative));
    }
    if revision > head.revision {
        let current = head.revision;
        return Err(Error::InvalidStart(InvalidStart::InFuture { current }));
    }
    let find =
        async |conn: &mut _, tenant_id| Ok(store::log::commit_of(conn, tenant_id, revision).await?);
    match domain.read_of(call, find).await? {
        Some(commit) => Ok(commit),
        None if revision == 0 && oldest == 0 => Ok(Commit::default()),
        None => Err(Error::HistoryPruned { oldest }),
    }
}

async fn bounds(domain: &Domain, call: &Call) -> Result<(Commit, Revision)> {
    domain
        .read_of(call, async |conn, tenant_id| {
            Ok(store::log::bounds(conn, tenant_id).await?)
        })
        .await
}

/// An open watch.
pub(crate) struct Watch {
    log: LogReader,
    commits: Receiver<Commit>,
    snapshot: Option<SnapshotReader>,
    /// Read but not sent yet.
    events: VecDeque<WatchEvent>,
    /// Time and commit of the last event that carried one.
    last_progress: Option<(Instant, Commit)>,
    delays: Histogram,
}

impl Watch {
    /// Waits for the next event. Not cancel-safe: after a cancelled call the watch may miss events.
    pub(crate) async fn next(&mut self) -> Result<WatchEvent> {
        let event = self.next_event().await?;
        match &event {
            WatchEvent::Changes(RevisionChanges { commit, .. })
            | WatchEvent::SnapshotEnd(commit)
            | WatchEvent::Progress(commit) => {
                self.last_progress = Some((Instant::now(), *commit));
            }
            WatchEvent::Snapshot(..) => {}
        }
        Ok(event)
    }

    async fn next_event(&mut self) -> Result<WatchEvent> {
        if let Some(snapshot) = &mut self.snapshot {
            let commit = snapshot.commit();
            if let Some(part) = snapshot.next().await? {
                return Ok(WatchEvent::Snapshot(commit.revision, part));
            }
            self.snapshot = None;
            return Ok(WatchEvent::SnapshotEnd(commit));
        }
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let head = *self.commits.borrow();
            if !self.log.is_read_up_to(head) {
                let last_commit = self.log.last_commit();
                let changes = self.log.read().await?;
                for revision in &changes {
                    self.delays.record(revision.delay());
                }
                self.events
                    .extend(changes.into_iter().map(WatchEvent::Changes));
                if !self.events.is_empty() {
                    continue;
                }
                // The whole page was filtered out, and more pages may follow.
                if self.log.is_behind() && last_commit != self.log.last_commit() {
                    return Ok(WatchEvent::Progress(self.log.last_commit()));
                }
            }
            if self.wait().await {
                return Ok(WatchEvent::Progress(self.log.last_commit()));
            }
        }
    }

    /// Waits for a commit other than the last one read. Returns `true` if progress is due.
    async fn wait(&mut self) -> bool {
        let last_commit = self.log.last_commit();
        let due = match self.last_progress {
            None => return true,
            Some((at, commit)) if commit != last_commit => at + FILTERED_PROGRESS_INTERVAL,
            Some((at, _)) => at + PROGRESS_INTERVAL,
        };
        let commits = async {
            while self.commits.changed().await.is_ok() {
                if *self.commits.borrow_and_update() != last_commit {
                    return true;
                }
            }
            false
        };
        match tokio::time::timeout_at(due, commits).await {
            Ok(true) => false,
            // The notifier is gone: poll the log.
            Ok(false) => {
                tokio::time::sleep_until(due).await;
                true
            }
            Err(_) => true,
        }
    }
}
