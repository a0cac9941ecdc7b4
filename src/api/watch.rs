//! The stream of changes.

mod messages;

use std::collections::VecDeque;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    field::{Field, required_each, required_message},
    status,
    stream::ResponseStream,
};
use crate::{
    domain::{
        Call, Domain, Result, Violation,
        watch::{self, Watch, WatchFilter, WatchStart},
    },
    model::{ChangeTopic, Code, Commit},
    pb::{self, watch_changes_request as request, watch_changes_response::Message},
};

type Response = pb::WatchChangesResponse;

/// Finds where to start, and then streams.
pub(super) async fn stream(
    domain: Domain,
    call: Call,
    request: pb::WatchChangesRequest,
    shutdown: CancellationToken,
) -> Result<ResponseStream<Response>> {
    let start = start(request.start)?;
    let filter = filter(&request.kinds, &request.codes)?;
    let watcher = WatchSession {
        watch: watch::watch(&domain, &call, start, filter).await?,
        messages: VecDeque::new(),
        shutdown,
    };
    let messages = stream::try_unfold(watcher, |mut watcher| async move {
        let message = Some(watcher.next().await?);
        Ok(Some((Response { message }, watcher)))
    });
    Ok(messages.boxed())
}

struct WatchSession {
    watch: Watch,
    /// The parts of an event that are not sent yet.
    messages: VecDeque<Message>,
    shutdown: CancellationToken,
}

impl WatchSession {
    async fn next(&mut self) -> Result<Message, Status> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Ok(message);
            }
            let event = self.shutdown.run_until_cancelled(self.watch.next()).await;
            self.messages = messages::of(event.ok_or_else(status::shutting_down)??);
        }
    }
}

fn start(start: Option<request::Start>) -> Result<WatchStart, Violation> {
    Ok(match required_message(start, "start")? {
        request::Start::Revision(revision) => WatchStart::AfterRevision(revision),
        request::Start::ResumeToken(token) => {
            let commit = token.parse::<Commit>();
            let commit = commit.map_err(|_| "must be a token of a message of WatchChanges");
            WatchStart::After(commit.field("resume_token")?)
        }
        request::Start::Now(_) => WatchStart::Now,
        request::Start::Beginning(_) => WatchStart::Beginning,
    })
}

fn filter(kinds: &[i32], codes: &[String]) -> Result<WatchFilter, Violation> {
    let codes = required_each::<Code>(codes, "codes")?;
    let mut distinct = Vec::new();
    for (at, number) in kinds.iter().enumerate() {
        let kind = kind(*number).ok_or(KINDS).field(&format!("kinds[{at}]"))?;
        if !distinct.contains(&kind) {
            distinct.push(kind);
        }
    }
    if distinct.is_empty() {
        distinct = vec![ChangeTopic::MailingGroups, ChangeTopic::Memberships];
        if codes.is_empty() {
            distinct.extend([ChangeTopic::Contacts, ChangeTopic::Segments]);
        }
    }
    Ok(WatchFilter {
        kinds: distinct,
        codes,
    })
}

const KINDS: &str = "must be CHANGE_KIND_MAILING_GROUPS, CHANGE_KIND_CONTACTS, \
    CHANGE_KIND_MEMBERSHIPS or CHANGE_KIND_SEGMENTS";

fn kind(number: i32) -> Option<ChangeTopic> {
    match pb::ChangeKind::try_from(number).ok()? {
        pb::ChangeKind::Unspecified => None,
        pb::ChangeKind::MailingGroups => Some(ChangeTopic::MailingGroups),
        pb::ChangeKind::Contacts => Some(ChangeTopic::Contacts),
        pb::ChangeKind::Memberships => Some(ChangeTopic::Memberships),
        pb::ChangeKind::Segments => Some(ChangeTopic::Segments),
    }
}
