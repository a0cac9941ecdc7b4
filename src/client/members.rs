//! `members`: writes the contacts that an expression selects, and resumes the stream if it breaks.
//!
//! [`stream`] reads pages, [`resume`] over as many connections as it takes; [`output`] writes them
//! on a blocking thread, so that a slow disk or pipe does not stall the connection. The channel
//! between the two holds a few pages: memory does not grow with the number of members.

mod output;
mod stream;

use std::path::PathBuf;

use tokio::sync::mpsc;

use self::{
    output::{MemberFormat, MemberOutput},
    stream::{MemberStream, MembersClient},
};
use super::{
    Completion, after_help,
    connection::ConnectionArgs,
    error::Error,
    interruptible,
    progress::Progress,
    resume,
    retry::RetryArgs,
    selection::{SelectionArgs, SelectionCounts},
    terminal,
};
use crate::pb::{
    SegmentMemberView, StreamSegmentMembersRequest, mailing_groups_client::MailingGroupsClient,
};

/// Pages that are prefetched before the output takes them.
const PAGES_AHEAD: usize = 2;

const EXAMPLES: &str = "\
Examples:
  mailing-groups members 'MOVE AND NOT OPTOUT' --output move.csv
  mailing-groups members '*' --include-excluded --include-privacy-blocked > everyone.csv
  mailing-groups members 'GIFT*' --format jsonl | jq -r .email
  mailing-groups members 'kind = PERSON' --view ids | head";

/// The arguments of `members`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help(EXAMPLES, "every member was written, or the reader closed the output"))]
pub struct MembersArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// How much of each member is written
    #[arg(long, value_enum, default_value = "full")]
    view: MemberView,
    /// How members are written
    #[arg(long, value_enum, default_value = "csv")]
    format: MemberFormat,
    /// Write to this file instead of stdout; it is replaced only after every member was read
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Maximum number of members in a page
    #[arg(long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(i32).range(1..=10_000))]
    page_size: i32,
    #[command(flatten)]
    retry: RetryArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// How much of each member is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum MemberView {
    /// Only contact_id
    Ids,
    /// The contact's details
    Full,
}

impl MembersArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        let mut client = MailingGroupsClient::new(self.connection.open().await?);
        let progress = match self.output.is_some() || terminal::prints_to_file() {
            true => Some(self.progress(&mut client).await?),
            false => None,
        };
        let output = MemberOutput::open(self.output.as_deref())?;
        let is_file = output.is_file();
        let (pages, received) = mpsc::channel(PAGES_AHEAD);
        let (format, view) = (self.format, self.view);
        let writer = tokio::task::spawn_blocking(move || output.write(received, format, view));
        let mut stream = MemberStream::new(client, self.request(), pages, progress);
        let mut retry = self.retry.retry();
        let read = resume::read(&mut stream, &mut retry);
        // Ctrl-C removes a temporary file. Otherwise it ends the program at once, even if the reader
        // of a pipe is slow.
        let read = match is_file {
            true => interruptible(read).await,
            false => read.await,
        };
        let written = stream.finish();
        // A failure to write also stops the reader: it is the cause, so it comes first.
        let output = writer.await.expect("the writer does not panic")?;
        let (summary, attempts) = read?;
        output.finish()?;
        let (deleted, moved) = (summary.deleted_count, summary.revision_moved);
        terminal::message(&SelectionCounts::from(summary).to_string());
        resume::report(deleted, &written, attempts, moved);
        Ok(Completion::Complete)
    }

    async fn progress(&self, client: &mut MembersClient) -> Result<Progress, Error> {
        let counts = self.selection.count(client, &self.connection).await?;
        Ok(Progress::new(counts.member_count.unsigned_abs(), "written"))
    }

    fn request(&self) -> StreamSegmentMembersRequest {
        let view = match self.view {
            MemberView::Ids => SegmentMemberView::Ids,
            MemberView::Full => SegmentMemberView::Full,
        };
        StreamSegmentMembersRequest {
            selection: Some(self.selection.selection()),
            view: view.into(),
            page_size: self.page_size,
            part: 0,
            resume_token: String::new(),
        }
    }
}
