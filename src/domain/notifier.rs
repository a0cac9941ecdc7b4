//! Notifies watchers of new revisions.
//!
//! Watchers wait without holding a connection. Commits of this process are notified at once. A single
//! task polls the database for commits of other replicas while any tenant is watched here.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit, watch},
    time::Instant,
};

use super::{Domain, Error, Result};
use crate::{
    model::{Commit, TenantName},
    store::{self, ALL_TENANTS},
};

/// Interval between polls for commits of other replicas. On average they are seen after half of it.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Delay before the next poll after a failed one.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// After how long without a successful poll watchers find out for themselves.
const MAX_POLL_AGE: Duration = Duration::from_secs(1);

/// Publishes the revisions of watched tenants.
pub(super) struct RevisionNotifier {
    state: Mutex<WatchedTenants>,
    /// Limits concurrent reads of watchers, so that writers need not wait for a connection.
    reads: Semaphore,
}

#[derive(Default)]
struct WatchedTenants {
    watched: HashMap<TenantName, watch::Sender<Commit>>,
    polling: bool,
    /// When the last successful poll ended.
    polled: Option<Instant>,
}

impl RevisionNotifier {
    /// At most `reads` watchers read at a time.
    pub(super) fn new(reads: usize) -> Self {
        Self {
            state: Mutex::default(),
            reads: Semaphore::new(reads.max(1)),
        }
    }

    /// Publishes a commit of this process to the watchers of a tenant.
    pub(super) fn notify(&self, tenant: &TenantName, commit: Commit) {
        self.publish(tenant, |known| known.revision < commit.revision, commit);
    }

    /// Publishes what the database was read to be at. A lower revision than before means that commits
    /// were lost, unless a commit was published since the read began, when `before` was known.
    fn notify_read(&self, tenant: &TenantName, before: Commit, read: Commit) {
        let is_new = |known: Commit| known.revision < read.revision || known == before;
        self.publish(tenant, is_new, read);
    }

    fn publish(&self, tenant: &TenantName, is_new: impl Fn(Commit) -> bool, commit: Commit) {
        if let Some(sender) = self.state().watched.get(tenant) {
            sender.send_if_modified(|known| {
                let changes = *known != commit && is_new(*known);
                if changes {
                    *known = commit;
                }
                changes
            });
        }
    }

    /// Whether the published commits are those of the database.
    pub(super) fn is_current(&self) -> bool {
        let polled = self.state().polled;
        polled.is_some_and(|polled| polled.elapsed() < MAX_POLL_AGE)
    }

    /// Waits until a watcher may read.
    pub(super) async fn read_permit(&self) -> Result<SemaphorePermit<'_>> {
        let permit = self.reads.acquire().await;
        permit.map_err(|error| Error::Internal(error.into()))
    }

    /// Adds a watcher. The flag is true if the polling task has to be started.
    fn subscribe(&self, tenant: &TenantName) -> (watch::Receiver<Commit>, bool) {
        let mut state = self.state();
        let sender = state.watched.entry(tenant.clone()).or_default();
        let receiver = sender.subscribe();
        let is_first = !std::mem::replace(&mut state.polling, true);
        (receiver, is_first)
    }

    /// Returns the tenants that are still watched, and what is known of each. If there are none,
    /// polling ends.
    fn watched(&self) -> HashMap<TenantName, Commit> {
        let mut state = self.state();
        state
            .watched
            .retain(|_, sender| sender.receiver_count() > 0);
        state.polling = !state.watched.is_empty();
        let watched = state.watched.iter();
        watched
            .map(|(tenant, sender)| (tenant.clone(), *sender.borrow()))
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, WatchedTenants> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Domain {
    /// Subscribes to the commits of a tenant. They lag behind the database by at most one poll.
    pub(super) fn commits(&self, tenant: &TenantName) -> watch::Receiver<Commit> {
        let (receiver, is_first) = self.notifier.subscribe(tenant);
        if is_first {
            tokio::spawn(poll(self.clone()));
        }
        receiver
    }
}

/// Polls for commits while any tenant is watched.
async fn poll(domain: Domain) {
    let mut answers = true;
    loop {
        tokio::time::sleep(if answers {
            POLL_INTERVAL
        } else {
            RETRY_INTERVAL
        })
        .await;
        let tenants = domain.notifier.watched();
        if tenants.is_empty() {
            return;
        }
        let read = async |conn: &mut _| {
            let numbers = domain.find_tenants(conn, tenants.keys()).await?;
            let heads = store::log::heads(conn, numbers.values().copied().collect()).await?;
            Ok((numbers, heads))
        };
        let heads = domain.read(ALL_TENANTS, read).await;
        if let Err(error) = &heads
            && answers
        {
            tracing::warn!(%error, "cannot poll for new revisions; retrying");
        }
        answers = heads.is_ok();
        let Ok((numbers, heads)) = heads else {
            continue;
        };
        domain.notifier.state().polled = Some(Instant::now());
        for (tenant, before) in tenants {
            let head = numbers.get(&tenant).and_then(|number| heads.get(number));
            let head = head.copied().unwrap_or_default();
            domain.notifier.notify_read(&tenant, before, head);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(revision: i64, id: i64) -> Commit {
        Commit { revision, id }
    }

    #[test]
    fn only_new_commits_are_notified_and_only_to_watchers() {
        let (notifier, tenant) = (
            RevisionNotifier::new(1),
            "a".parse::<TenantName>().expect("a name"),
        );
        notifier.notify(&tenant, commit(3, 1));
        let (mut receiver, is_first) = notifier.subscribe(&tenant);
        assert!(is_first && *receiver.borrow_and_update() == Commit::default());
        notifier.notify(&tenant, commit(5, 2));
        assert_eq!(*receiver.borrow_and_update(), commit(5, 2));
        notifier.notify(&tenant, commit(4, 3));
        assert!(receiver.has_changed().is_ok_and(|changed| !changed));
        assert!(!notifier.subscribe(&tenant).1);
        assert_eq!(notifier.watched()[&tenant], commit(5, 2));
        drop(receiver);
        assert!(notifier.watched().is_empty() && notifier.subscribe(&tenant).1);
    }

    #[test]
    fn lost_commits_are_notified_and_late_reads_are_not() {
        let (notifier, tenant) = (
            RevisionNotifier::new(1),
            "a".parse::<TenantName>().expect("a name"),
        );
        let (mut receiver, _) = notifier.subscribe(&tenant);
        notifier.notify(&tenant, commit(7, 1));
        // The read began before the commit.
        notifier.notify_read(&tenant, commit(6, 9), commit(6, 9));
        assert_eq!(*receiver.borrow_and_update(), commit(7, 1));
        notifier.notify_read(&tenant, commit(7, 1), commit(7, 2));
        assert_eq!(*receiver.borrow_and_update(), commit(7, 2));
    }
}
