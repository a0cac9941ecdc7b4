//! `segment compare`: the contacts that entered and left.

use tonic::Streaming;

use super::{Error, SegmentSession, SelectionOptionArgs};
use crate::{
    client::{
        connection::TenantChannel,
        resume::{self, LARGEST_MESSAGE, Resumable, Step},
        retry::RetryArgs,
        terminal::{self, pluralize},
    },
    pb::{
        CompareSegmentsRequest, CompareSegmentsResponse, SegmentMember, Selection,
        SelectionOptions,
        compare_segments_response::{Message, Page, Summary},
        segments_client::SegmentsClient,
    },
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
One line per contact goes to stdout: + and its id if it entered, - and its id if it left. The
totals go to stderr. Selection options are for the expressions of --from and --to.")]
pub(super) struct CompareArgs {
    /// The segment before; omitted with --from
    #[arg(value_name = "FROM")]
    first: Option<String>,
    /// The segment after; omitted with --to
    #[arg(value_name = "TO")]
    second: Option<String>,
    /// The set before, as an expression
    #[arg(long, value_name = "EXPR")]
    from: Option<String>,
    /// The set after, as an expression
    #[arg(long, value_name = "EXPR")]
    to: Option<String>,
    #[command(flatten)]
    options: SelectionOptionArgs,
    #[command(flatten)]
    retry: RetryArgs,
}

impl CompareArgs {
    pub(super) async fn run(self, session: SegmentSession) -> Result<(), Error> {
        let mut comparison = ComparisonReport {
            client: session.client.max_decoding_message_size(LARGEST_MESSAGE),
            request: self.request()?,
            printed: 0,
        };
        let read = resume::read(&mut comparison, &mut self.retry.retry()).await;
        let (summary, attempts) = read?;
        terminal::message(&format!(
            "{} entered, {} left, {} unchanged at revision {}",
            summary.entered_count, summary.left_count, summary.unchanged_count, summary.revision
        ));
        let (deleted, moved) = (summary.deleted_count, summary.revision_moved);
        resume::report(deleted, &comparison.position(), attempts, moved);
        Ok(())
    }

    /// The request, if the arguments name exactly two sets.
    pub(super) fn request(&self) -> Result<CompareSegmentsRequest, Error> {
        let options = SelectionOptions::from(self.options);
        if self.from.is_none() && self.to.is_none() && options != SelectionOptions::default() {
            let text = "options are for expressions; write --from 'segment(\"FROM\")'";
            return Err(Error::Usage(text.to_owned()));
        }
        let mut segments = [&self.first, &self.second].into_iter().flatten();
        let mut selection = |expression: &Option<String>| match expression {
            Some(text) => Some(Selection::of_expression(text, options)),
            None => segments.next().map(Selection::of_segment),
        };
        let (before, after) = (selection(&self.from), selection(&self.to));
        if before.is_none() || after.is_none() || segments.next().is_some() {
            let text = "name two segments, or replace them by expressions with --from and --to";
            return Err(Error::Usage(text.to_owned()));
        }
        Ok(CompareSegmentsRequest {
            before,
            after,
            ..CompareSegmentsRequest::default()
        })
    }
}

/// A comparison being read.
struct ComparisonReport {
    client: SegmentsClient<TenantChannel>,
    /// Always asks for what has not been printed yet.
    request: CompareSegmentsRequest,
    printed: i64,
}

impl Resumable for ComparisonReport {
    type Response = CompareSegmentsResponse;
    type Summary = Summary;

    async fn open(&mut self) -> Result<Streaming<CompareSegmentsResponse>, Error> {
        let opened = self.client.compare_segments(self.request.clone()).await?;
        Ok(opened.into_inner())
    }

    async fn handle(&mut self, response: CompareSegmentsResponse) -> Result<Step<Summary>, Error> {
        match response.message.ok_or(Error::UnexpectedEnd)? {
            Message::Summary(summary) => Ok(Step::Done(summary)),
            Message::Heartbeat(_) => Ok(Step::Continue),
            Message::Page(page) => {
                self.printed += print(&page)?;
                self.request.resume_token = page.resume_token;
                Ok(Step::Progress)
            }
        }
    }

    fn position(&self) -> String {
        pluralize(self.printed, "contact", "contacts")
    }
}

/// Prints a page and returns how many contacts it has.
fn print(page: &Page) -> Result<i64, Error> {
    let sides = [('+', &page.entered), ('-', &page.left)];
    let lines = |(sign, members): (char, &Vec<SegmentMember>)| {
        let line = |member: &SegmentMember| format!("{sign} {}", member.contact_id);
        members.iter().map(line).collect::<Vec<_>>()
    };
    let lines: Vec<_> = sides.into_iter().flat_map(lines).collect();
    if !lines.is_empty() {
        terminal::print_or_stop(lines.join("\n"))?;
    }
    Ok(i64::try_from(lines.len()).unwrap_or(i64::MAX))
}
