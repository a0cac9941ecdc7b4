//! Watchers, one of each server.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::load::Shared;
use crate::{
    support::Tenant,
    watching::{
        feed::{after, beginning},
        validator::Seen,
    },
};

/// What a watcher has seen, and whether it reads a snapshot.
pub(super) type Watched = Mutex<Seen>;

/// The delay before a watch is opened again.
const PAUSE: Duration = Duration::from_millis(20);

/// Watches for ever, from the beginning. The second watcher begins with a snapshot.
pub(super) async fn watch(shared: Arc<Shared>, server: usize) {
    let first = match server {
        0 => after(0),
        _ => beginning(),
    };
    let mut request = first.clone();
    loop {
        let tenant = &mut shared.tenants[server].clone();
        if let Err(status) = follow(tenant, &shared.watched[server], request).await {
            shared.failed(&status);
        }
        request = shared.watched[server].lock().unwrap().resume(first.clone());
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads a watch until it breaks.
async fn follow(
    tenant: &mut Tenant,
    seen: &Watched,
    request: mailing_groups::pb::WatchChangesRequest,
) -> Result<(), tonic::Status> {
    let mut feed = tenant.watch(request).await?;
    loop {
        let message = feed.message().await?;
        seen.lock().unwrap().take(message);
    }
}
