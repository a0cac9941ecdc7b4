//! Notifies watchers of new revisions.
//!
//! Watchers wait without holding a connection. Commits of this process are notified at once. A single
//! task polls the database for commits of other replicas while any tenant is watched here.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Semaphore, SemaphorePermit, watch};

use super::{Domain, Error, Result};
use crate::{
    model::{Revision, TenantName},
    store,
};

/// Interval between polls for commits of other replicas. On average they are seen after half of it.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Delay before the next poll after a failed one.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Publishes the revisions of watched tenants.
pub(super) struct RevisionNotifier {
    state: Mutex<WatchedTenants>,
    /// Limits concurrent reads of watchers, so that writers need not wait for a connection.
    reads: Semaphore,
}

#[derive(Default)]
struct WatchedTenants {
    watched: HashMap<TenantName, watch::Sender<Revision>>,
    polling: bool,
}

impl RevisionNotifier {
    /// At most `reads` watchers read at a time.
    pub(super) fn new(reads: usize) -> Self {
        Self {
            state: Mutex::default(),
            reads: Semaphore::new(reads.max(1)),
        }
    }

    /// Publishes a revision to the watchers of a tenant.
    pub(super) fn notify(&self, tenant: &TenantName, revision: Revision) {
        if let Some(sender) = self.state().watched.get(tenant) {
            sender.send_if_modified(|known| {
                let is_new = *known < revision;
                *known = revision.max(*known);
                is_new
            });
        }
    }

    /// Waits until a watcher may read.
    pub(super) async fn read_permit(&self) -> Result<SemaphorePermit<'_>> {
        let permit = self.reads.acquire().await;
        permit.map_err(|error| Error::Internal(error.into()))
    }

    /// Adds a watcher. The flag is true if the polling task has to be started.
    fn subscribe(&self, tenant: &TenantName) -> (watch::Receiver<Revision>, bool) {
        let mut state = self.state();
        let sender = state.watched.entry(tenant.clone()).or_default();
        let receiver = sender.subscribe();
        let is_first = !std::mem::replace(&mut state.polling, true);
        (receiver, is_first)
    }

    /// Returns the tenants that are still watched. If there are none, polling ends.
    fn watched(&self) -> Vec<TenantName> {
        let mut state = self.state();
        state
            .watched
            .retain(|_, sender| sender.receiver_count() > 0);
        state.polling = !state.watched.is_empty();
        state.watched.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, WatchedTenants> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Domain {
    /// Subscribes to the revision of a tenant. It lags behind the database by at most one poll.
    pub(super) fn revisions(&self, tenant: &TenantName) -> watch::Receiver<Revision> {
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
        let read = async |conn: &mut _| Ok(store::log::revisions(conn, tenants).await?);
        let revisions = domain.read(read).await;
        if let Err(error) = &revisions
            && answers
        {
            tracing::warn!(%error, "cannot poll for new revisions; retrying");
        }
        answers = revisions.is_ok();
        for (tenant, revision) in revisions.into_iter().flatten() {
            domain.notifier.notify(&tenant, revision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_growth_is_notified_and_only_to_watchers() {
        let (notifier, tenant) = (
            RevisionNotifier::new(1),
            "a".parse::<TenantName>().expect("a name"),
        );
        notifier.notify(&tenant, 3);
        let (mut receiver, is_first) = notifier.subscribe(&tenant);
        assert!(is_first && *receiver.borrow_and_update() == 0);
        notifier.notify(&tenant, 5);
        assert_eq!(*receiver.borrow_and_update(), 5);
        notifier.notify(&tenant, 4);
        assert!(receiver.has_changed().is_ok_and(|changed| !changed));
        assert!(!notifier.subscribe(&tenant).1);
        assert_eq!(notifier.watched(), std::slice::from_ref(&tenant));
        drop(receiver);
        assert!(notifier.watched().is_empty() && notifier.subscribe(&tenant).1);
    }
}
