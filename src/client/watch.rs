//! `watch`: prints changes as JSON lines, and resumes the stream if it breaks.

mod lines;

use std::{convert::Infallible, time::Duration};

use serde_json::{Value, json};
use tonic::Streaming;

use super::{
    Completion, after_help,
    connection::{ConnectionArgs, TenantChannel},
    error::Error,
    resume::{self, Resumable, Step},
    retry::RetryArgs,
    terminal,
};
use crate::pb::{
    ChangeKind, WatchChangesRequest, WatchChangesResponse,
    mailing_groups_client::MailingGroupsClient,
    watch_changes_request::{Beginning, Now, Start},
    watch_changes_response::{Changes, Message},
};

const EXAMPLES: &str = "\
Examples:
  mailing-groups watch
  mailing-groups watch --from beginning --kind memberships --code MOVE
  mailing-groups watch --from 1234 | jq -c 'select(.changes)'";

/// The arguments of `watch`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help(EXAMPLES, "the reader closed the output"))]
pub struct WatchArgs {
    /// Where to start: `now`, `beginning` (first everything there is) or after a revision
    #[arg(long, value_name = "now|beginning|REVISION", default_value = "now", value_parser = start)]
    from: Start,
    /// Start after the line with this `resume_token`, with the same --kind and --code. Unlike a
    /// revision, it tells if the database was restored or lost changes since
    #[arg(long, value_name = "TOKEN", conflicts_with = "from")]
    resume_token: Option<String>,
    /// Only changes of this kind; may be given several times
    #[arg(long = "kind", value_name = "KIND", value_enum)]
    kinds: Vec<WatchKind>,
    /// Only groups and memberships with this code; may be given several times
    #[arg(long = "code", value_name = "CODE")]
    codes: Vec<String>,
    #[command(flatten)]
    retry: RetryArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What changes are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum WatchKind {
    /// Mailing groups: created, updated, renamed, deleted
    Groups,
    /// Contacts: created, updated, deleted
    Contacts,
    /// Memberships: added, removed
    Memberships,
    /// Segments: created, updated, deleted
    Segments,
}

impl WatchArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        let client = MailingGroupsClient::new(self.connection.open().await?);
        let mut watcher = Watcher {
            client: client.max_decoding_message_size(usize::MAX),
            request: self.request(),
            revision: None,
            parts: Vec::new(),
            in_snapshot: false,
        };
        let read = resume::read(&mut watcher, &mut self.retry.retry()).await;
        let error = match read {
            Ok((never, _)) => match never {},
            Err(error) => error,
        };
        if matches!(error, Error::OutputClosed) {
            terminal::message(&error.to_string());
        }
        Err(error)
    }

    fn request(&self) -> WatchChangesRequest {
        let kind = |kind: &WatchKind| match kind {
            WatchKind::Groups => ChangeKind::MailingGroups,
            WatchKind::Contacts => ChangeKind::Contacts,
            WatchKind::Memberships => ChangeKind::Memberships,
            WatchKind::Segments => ChangeKind::Segments,
        };
        WatchChangesRequest {
            start: Some(match &self.resume_token {
                Some(token) => Start::ResumeToken(token.clone()),
                None => self.from.clone(),
            }),
            kinds: self.kinds.iter().map(|it| kind(it).into()).collect(),
            codes: self.codes.clone(),
        }
    }
}

/// A watch and its position.
struct Watcher {
    client: MailingGroupsClient<TenantChannel>,
    /// Always asks for what has not been printed yet.
    request: WatchChangesRequest,
    /// The last revision that was read.
    revision: Option<i64>,
    /// The parts of a revision that is not complete.
    parts: Vec<Changes>,
    /// Whether a snapshot has started and is not complete.
    in_snapshot: bool,
}

impl Watcher {
    /// The line for a message, if it completes one.
    fn line(&mut self, message: Message) -> Option<Value> {
        match message {
            Message::Snapshot(part) => {
                self.in_snapshot = true;
                Some(lines::snapshot(part))
            }
            Message::SnapshotEnd(end) => {
                self.in_snapshot = false;
                let line = json!({"snapshot_end": end.revision, "resume_token": end.resume_token});
                self.advance(end.revision, end.resume_token);
                Some(line)
            }
            Message::Progress(progress) => {
                let (revision, token) = (progress.revision, progress.resume_token);
                let line = json!({"progress": revision, "resume_token": token});
                self.advance(revision, token);
                Some(line)
            }
            Message::Changes(part) => {
                let (revision, more) = (part.revision, part.more);
                let token = part.resume_token.clone();
                self.parts.push(part);
                if more {
                    return None;
                }
                self.advance(revision, token);
                Some(lines::changes(std::mem::take(&mut self.parts)))
            }
        }
    }

    fn advance(&mut self, revision: i64, resume_token: String) {
        self.revision = Some(revision);
        self.request.start = Some(Start::ResumeToken(resume_token));
    }
}

impl Resumable for Watcher {
    type Response = WatchChangesResponse;
    /// A watch has no end of its own.
    type Summary = Infallible;

    /// The service sends progress every 5 seconds; here four messages are missing.
    const SILENCE: Duration = Duration::from_secs(20);

    async fn open(&mut self) -> Result<Streaming<WatchChangesResponse>, Error> {
        let opened = self.client.watch_changes(self.request.clone()).await?;
        Ok(opened.into_inner())
    }

    async fn handle(&mut self, response: WatchChangesResponse) -> Result<Step<Infallible>, Error> {
        let message = response.message.ok_or(Error::UnexpectedEnd)?;
        if let Some(line) = self.line(message) {
            terminal::print_or_stop(line)?;
        }
        Ok(Step::Progress)
    }

    /// Discards incomplete revisions. A snapshot that was cut off is sent from its start again,
    /// which a line announces.
    async fn before_reopen(&mut self) -> Result<(), Error> {
        self.parts.clear();
        if std::mem::take(&mut self.in_snapshot) {
            terminal::print_or_stop(json!({"snapshot_restart": true}))?;
        }
        Ok(())
    }

    fn position(&self) -> String {
        self.revision
            .map_or_else(|| "the start".to_owned(), |it| format!("revision {it}"))
    }
}

fn start(text: &str) -> Result<Start, String> {
    match text {
        "now" => Ok(Start::Now(Now {})),
        "beginning" => Ok(Start::Beginning(Beginning {})),
        _ => match text.parse() {
            Ok(revision) if revision >= 0 => Ok(Start::Revision(revision)),
            _ => Err("write now, beginning or the number of a revision".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_word_or_a_revision() {
        assert_eq!(start("now"), Ok(Start::Now(Now {})));
        assert_eq!(start("beginning"), Ok(Start::Beginning(Beginning {})));
        assert_eq!(start("0"), Ok(Start::Revision(0)));
        for wrong in ["", "-1", "NOW", "1.5"] {
            assert!(start(wrong).is_err(), "{wrong}");
        }
    }
}
