//! `watch`: prints what is changed, as JSON lines, resuming where the stream breaks.

mod lines;

use std::{
    io::{self, Write},
    time::Duration,
};

use serde_json::{Value, json};
use tonic::{Code, Streaming};

use super::{
    Completion, EXIT_CODES,
    connection::{ConnectionArgs, TenantChannel},
    error::Error,
    retry::Retry,
    terminal,
};
use crate::{
    duration,
    pb::{
        ChangeKind, WatchChangesRequest, WatchChangesResponse,
        mailing_groups_client::MailingGroupsClient,
        watch_changes_request::{Beginning, Now, Start},
        watch_changes_response::{Changes, Message},
    },
};

/// The service says every 5 seconds how far the watch has come; four missed ones are a broken
/// stream.
const SILENCE: Duration = Duration::from_secs(20);

const EXAMPLES: &str = "\
Examples:
  mailing-groups watch
  mailing-groups watch --from beginning --kind memberships --code MOVE
  mailing-groups watch --from 1234 | jq -c 'select(.changes)'";

/// The arguments of `watch`.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct WatchArgs {
    /// Where to start: `now`, `beginning` (first everything there is) or after a revision
    #[arg(long, value_name = "now|beginning|REVISION", default_value = "now", value_parser = start)]
    from: Start,
    /// Only changes of this kind; may be given several times
    #[arg(long = "kind", value_name = "KIND", value_enum)]
    kinds: Vec<WatchKind>,
    /// Only groups and memberships with this code; may be given several times
    #[arg(long = "code", value_name = "CODE")]
    codes: Vec<String>,
    /// How long to go on trying to resume without reading anything new; 0 never resumes
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    retry_for: Duration,
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
        let mut retry = Retry::new(self.retry_for);
        let mut watcher = Watcher {
            client: client.max_decoding_message_size(usize::MAX),
            request: self.request(),
            parts: Vec::new(),
            in_snapshot: false,
        };
        loop {
            match watcher.read(&mut retry).await {
                Ok(()) => return Ok(Completion::Complete),
                // The service lets no stream go on for ever.
                Err(Error::Call(status)) if status.code() == Code::DeadlineExceeded => {}
                Err(cause) => retry.wait(cause, &watcher.place()).await?,
            }
            if !watcher.before_reopen()? {
                return Ok(Completion::Complete);
            }
        }
    }

    fn request(&self) -> WatchChangesRequest {
        let kind = |kind: &WatchKind| match kind {
            WatchKind::Groups => ChangeKind::MailingGroups,
            WatchKind::Contacts => ChangeKind::Contacts,
            WatchKind::Memberships => ChangeKind::Memberships,
            WatchKind::Segments => ChangeKind::Segments,
        };
        WatchChangesRequest {
            start: Some(self.from),
            kinds: self.kinds.iter().map(|it| kind(it).into()).collect(),
            codes: self.codes.clone(),
        }
    }
}

/// A watch and how far it has come.
struct Watcher {
    client: MailingGroupsClient<TenantChannel>,
    /// Always asks for what was not printed yet.
    request: WatchChangesRequest,
    /// The parts of a revision of which more is to come.
    parts: Vec<Changes>,
    /// Whether a snapshot was begun and is not complete.
    in_snapshot: bool,
}

impl Watcher {
    /// Prints one stream as far as it goes. It ends well when nobody reads what is printed.
    async fn read(&mut self, retry: &mut Retry) -> Result<(), Error> {
        let opened = self.client.watch_changes(self.request.clone()).await?;
        let mut stream = opened.into_inner();
        loop {
            let message = next(&mut stream).await?;
            retry.reset();
            if let Some(line) = self.take(message)
                && !print(&line)?
            {
                return Ok(());
            }
        }
    }

    /// The line for a message, if it completes one.
    fn take(&mut self, message: Message) -> Option<Value> {
        match message {
            Message::Snapshot(part) => {
                self.in_snapshot = true;
                Some(lines::snapshot(part))
            }
            Message::SnapshotEnd(end) => {
                self.in_snapshot = false;
                self.seen(end.revision);
                Some(json!({"snapshot_end": end.revision}))
            }
            Message::Progress(progress) => {
                self.seen(progress.revision);
                Some(json!({"progress": progress.revision}))
            }
            Message::Changes(part) => {
                let (revision, more) = (part.revision, part.more);
                self.parts.push(part);
                if more {
                    return None;
                }
                self.seen(revision);
                Some(lines::changes(std::mem::take(&mut self.parts)))
            }
        }
    }

    fn seen(&mut self, revision: i64) {
        self.request.start = Some(Start::Revision(revision));
    }

    /// Forgets what came in part. A snapshot that was cut off comes anew, which a line says.
    /// `false` if nobody reads the lines.
    fn before_reopen(&mut self) -> Result<bool, Error> {
        self.parts.clear();
        match std::mem::take(&mut self.in_snapshot) {
            true => print(&json!({"snapshot_restart": true})),
            false => Ok(true),
        }
    }

    fn place(&self) -> String {
        match self.request.start {
            Some(Start::Revision(revision)) => format!("revision {revision}"),
            _ => "the start".to_owned(),
        }
    }
}

async fn next(stream: &mut Streaming<WatchChangesResponse>) -> Result<Message, Error> {
    match tokio::time::timeout(SILENCE, stream.message()).await {
        Err(_) => Err(Error::Stalled(SILENCE)),
        Ok(message) => message?
            .and_then(|it| it.message)
            .ok_or(Error::UnexpectedEnd),
    }
}

/// Prints a line; `false` if its reader has left, which is its right.
fn print(line: &Value) -> Result<bool, Error> {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            terminal::message("nobody reads on");
            Ok(false)
        }
        Err(error) => Err(Error::file("write", "standard output", error)),
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
