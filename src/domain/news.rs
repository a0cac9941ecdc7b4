//! The news that a tenant has a new revision.
//!
//! Watchers wait for it without a connection. Commits of this process are told at once. Those
//! of other replicas are found by one task, which asks for the revisions of all tenants that
//! are watched here, for as long as there are any.

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

/// How often other replicas' commits are looked for: half of it is what they are late on average.
const POLL: Duration = Duration::from_millis(20);

/// How long to leave a database alone that did not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// Who watches what.
pub(super) struct News {
    state: Mutex<State>,
    /// Who may read for watchers: not so many that writers wait for a connection.
    reads: Semaphore,
}

#[derive(Default)]
struct State {
    watched: HashMap<TenantName, watch::Sender<Revision>>,
    polling: bool,
}

impl News {
    /// News for watchers, so many of which may read at a time.
    pub(super) fn new(reads: usize) -> Self {
        Self {
            state: Mutex::default(),
            reads: Semaphore::new(reads.max(1)),
        }
    }

    /// Tells the tenant's watchers of a revision.
    pub(super) fn tell(&self, tenant: &TenantName, revision: Revision) {
        if let Some(sender) = self.state().watched.get(tenant) {
            sender.send_if_modified(|known| {
                let is_new = *known < revision;
                *known = revision.max(*known);
                is_new
            });
        }
    }

    /// A turn to read for a watcher.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        let turn = self.reads.acquire().await;
        turn.map_err(|error| Error::Internal(error.into()))
    }

    /// Notes a watcher. Whether nobody looks for other replicas' commits yet.
    fn subscribe(&self, tenant: &TenantName) -> (watch::Receiver<Revision>, bool) {
        let mut state = self.state();
        let sender = state.watched.entry(tenant.clone()).or_default();
        let receiver = sender.subscribe();
        let is_first = !std::mem::replace(&mut state.polling, true);
        (receiver, is_first)
    }

    /// The tenants that are still watched. If there are none, nobody looks for their commits.
    fn watched(&self) -> Vec<TenantName> {
        let mut state = self.state();
        state
            .watched
            .retain(|_, sender| sender.receiver_count() > 0);
        state.polling = !state.watched.is_empty();
        state.watched.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Domain {
    /// The tenant's revision, as far as it is known here, and its growth. It may lag behind what
    /// the database says, but not for long.
    pub(super) fn revisions(&self, tenant: &TenantName) -> watch::Receiver<Revision> {
        let (receiver, is_first) = self.news.subscribe(tenant);
        if is_first {
            tokio::spawn(poll(self.clone()));
        }
        receiver
    }
}

/// Looks for commits until nobody watches any more.
async fn poll(domain: Domain) {
    let mut answers = true;
    loop {
        tokio::time::sleep(if answers { POLL } else { PAUSE }).await;
        let tenants = domain.news.watched();
        if tenants.is_empty() {
            return;
        }
        let read = async |conn: &mut _| Ok(store::log::revisions(conn, tenants).await?);
        let revisions = domain.read(read).await;
        if let Err(error) = &revisions
            && answers
        {
            tracing::warn!(%error, "no news for watchers; trying on");
        }
        answers = revisions.is_ok();
        for (tenant, revision) in revisions.into_iter().flatten() {
            domain.news.tell(&tenant, revision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_growth_is_news_and_only_for_those_who_watch() {
        let (news, tenant) = (News::new(1), "a".parse::<TenantName>().expect("a name"));
        news.tell(&tenant, 3);
        let (mut receiver, is_first) = news.subscribe(&tenant);
        assert!(is_first && *receiver.borrow_and_update() == 0);
        news.tell(&tenant, 5);
        assert_eq!(*receiver.borrow_and_update(), 5);
        news.tell(&tenant, 4);
        assert!(receiver.has_changed().is_ok_and(|changed| !changed));
        assert!(!news.subscribe(&tenant).1);
        assert_eq!(news.watched(), std::slice::from_ref(&tenant));
        drop(receiver);
        assert!(news.watched().is_empty() && news.subscribe(&tenant).1);
    }
}
