//! `members`: writes the contacts that an expression selects, resuming where the stream breaks.
//!
//! [`stream`] reads pages, [`resume`] over as many connections as it takes; [`output`] writes them
//! on a thread of its own, so that a slow disk or pipe never holds up the connection. Between the
//! two lie a few pages at most: memory does not grow with the number of members.

mod output;
mod stream;

use std::{path::PathBuf, time::Duration};

use output::{MemberFormat, MemberOutput};
use stream::MemberStream;
use tokio::sync::mpsc;

use super::{
    Completion, EXIT_CODES,
    connection::ConnectionArgs,
    error::Error,
    resume,
    retry::Retry,
    selection::{SelectionArgs, SelectionCounts},
    terminal,
};
use crate::{
    duration,
    pb::{
        SegmentMemberView, StreamSegmentMembersRequest, mailing_groups_client::MailingGroupsClient,
        stream_segment_members_request::Selection as Selected,
    },
};

/// Pages between the connection and the output.
const PAGES_AHEAD: usize = 2;

const EXAMPLES: &str = "\
Examples:
  mailing-groups members 'MOVE AND NOT OPTOUT' --output move.csv
  mailing-groups members '*' --include-excluded --include-privacy-blocked > everyone.csv
  mailing-groups members 'GIFT*' --format jsonl | jq -r .email
  mailing-groups members 'kind = PERSON' --view ids | head";

/// The arguments of `members`.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct MembersArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// How much of each member is written
    #[arg(long, value_enum, default_value = "full")]
    view: MemberView,
    /// How members are written
    #[arg(long, value_enum, default_value = "csv")]
    format: MemberFormat,
    /// Write to this file instead of stdout; it is replaced only once every member was read
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Members in a page, at most; the service may send fewer at a time
    #[arg(long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(i32).range(1..=10_000))]
    page_size: i32,
    /// How long to go on trying to resume without reading anything new; 0 never resumes
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    retry_for: Duration,
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
        let client = MailingGroupsClient::new(self.connection.open().await?);
        let output = MemberOutput::open(self.output.as_deref())?;
        let (pages, written) = mpsc::channel(PAGES_AHEAD);
        let (format, view) = (self.format, self.view);
        let writer = tokio::task::spawn_blocking(move || output.write(written, format, view));
        let mut stream = MemberStream::new(client, self.request(), pages);
        let read = resume::read(&mut stream, &mut Retry::new(self.retry_for)).await;
        let written = format!("{} members", stream.written);
        drop(stream);
        let output = writer.await.expect("the writer does not panic");
        // A failure to write makes the reader stop as well: it is the cause, so it comes first.
        let Some(output) = output? else {
            return Ok(Completion::Complete);
        };
        let (summary, attempts) = read?;
        output.finish()?;
        terminal::message(&SelectionCounts::from(&summary).to_string());
        let (deleted, moved) = (summary.deleted_count, summary.revision_moved);
        resume::report(deleted, &written, attempts, moved);
        Ok(Completion::Complete)
    }

    fn request(&self) -> StreamSegmentMembersRequest {
        let view = match self.view {
            MemberView::Ids => SegmentMemberView::Ids,
            MemberView::Full => SegmentMemberView::Full,
        };
        StreamSegmentMembersRequest {
            options: Some(self.selection.options()),
            view: view.into(),
            page_size: self.page_size,
            part: 0,
            resume_token: String::new(),
            selection: Some(Selected::Expression(self.selection.expression.clone())),
        }
    }
}
