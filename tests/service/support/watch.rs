//! A watch that is open beside other calls.

use mailing_groups::pb::{
    self,
    watch_changes_request::{Now, Start},
    watch_changes_response::Message,
};
use tonic::Streaming;

use super::{Tenant, within};

/// An open WatchChanges.
type Watch = Streaming<pb::WatchChangesResponse>;

impl Tenant {
    /// Watches all changes from now on.
    pub(crate) async fn watch_now(&mut self) -> Watch {
        let request = pb::WatchChangesRequest {
            start: Some(Start::Now(Now {})),
            ..Default::default()
        };
        let response = self.groups.watch_changes(request).await;
        response.unwrap().into_inner()
    }
}

/// Reads a watch until it has reached a revision.
pub(crate) async fn reach(watch: &mut Watch, revision: i64) {
    loop {
        match within(watch.message()).await.unwrap().unwrap().message {
            Some(Message::Progress(progress)) if progress.revision >= revision => return,
            _ => {}
        }
    }
}
