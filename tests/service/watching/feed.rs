//! Opening watches and reading them.

use mailing_groups::pb::{
    self, ChangeKind,
    change::Change,
    watch_changes_request::{Beginning, Now, Start},
    watch_changes_response::{Changes, Message},
};
use tonic::{Status, Streaming};

use crate::support::{Tenant, within};

/// An open watch.
pub(crate) struct Feed(pub(super) Streaming<pb::WatchChangesResponse>);

/// A watch from a start, of everything.
pub(crate) fn from(start: Start) -> pb::WatchChangesRequest {
    pb::WatchChangesRequest {
        start: Some(start),
        ..Default::default()
    }
}

/// A watch of what is changed after a revision.
pub(crate) fn after(revision: i64) -> pb::WatchChangesRequest {
    from(Start::Revision(revision))
}

pub(crate) fn now() -> pb::WatchChangesRequest {
    from(Start::Now(Now {}))
}

pub(crate) fn beginning() -> pb::WatchChangesRequest {
    from(Start::Beginning(Beginning {}))
}

/// A watch of some kinds and some codes only.
pub(crate) fn filtered(
    request: pb::WatchChangesRequest,
    kinds: &[ChangeKind],
    codes: &[&str],
) -> pb::WatchChangesRequest {
    pb::WatchChangesRequest {
        kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
        codes: codes.iter().map(ToString::to_string).collect(),
        ..request
    }
}

impl Tenant {
    /// Opens a watch.
    pub(crate) async fn watch(&mut self, request: pb::WatchChangesRequest) -> Result<Feed, Status> {
        let response = self.groups.watch_changes(request).await?;
        Ok(Feed(response.into_inner()))
    }
}

impl Feed {
    /// The next message.
    pub(crate) async fn message(&mut self) -> Result<Message, Status> {
        let message = within(self.0.message()).await?;
        Ok(message.expect("a watch has no end").message.unwrap())
    }

    /// The next message, which must be changes.
    pub(crate) async fn changes(&mut self) -> Changes {
        loop {
            match self.message().await.unwrap() {
                Message::Changes(changes) => return changes,
                Message::Progress(_) => {}
                other => panic!("no changes but {other:?}"),
            }
        }
    }

    /// All changes up to the progress at a revision.
    pub(crate) async fn until(&mut self, revision: i64) -> Vec<Change> {
        let mut all = Vec::new();
        loop {
            let (changes, reached) = self.until_progress().await;
            all.extend(changes);
            if reached >= revision {
                assert_eq!(reached, revision);
                return all;
            }
        }
    }

    /// All changes up to the next progress, which must come, and its revision. The progress may
    /// be that of an idle watch, which repeats it.
    pub(crate) async fn until_progress(&mut self) -> (Vec<Change>, i64) {
        let mut all = Vec::new();
        loop {
            match self.message().await.unwrap() {
                Message::Changes(changes) => all.extend(reported(changes)),
                Message::Progress(progress) => return (all, progress.revision),
                other => panic!("no changes but {other:?}"),
            }
        }
    }
}

/// The changes of a message.
pub(crate) fn reported(changes: Changes) -> Vec<Change> {
    let changes = changes.changes.into_iter();
    changes.map(|change| change.change.unwrap()).collect()
}
