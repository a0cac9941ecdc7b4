//! `segment compare`: who entered and who left.

use std::time::Duration;

use super::{Error, SegmentSession, SelectionOptionArgs};
use crate::{
    client::terminal,
    pb::{
        Comparand, CompareSegmentsRequest, CompareSegmentsResponse, SegmentMember,
        comparand::Source,
        compare_segments_response::{Message, Page},
    },
};

/// The service sends a heartbeat every 15 seconds; three missed ones are a broken stream.
const SILENCE: Duration = Duration::from_secs(50);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
One line a contact goes to stdout: + and its id if it entered, - and its id if it left. The
totals go to stderr.")]
pub(super) struct CompareArgs {
    /// The segment before; with --from, an expression takes its place
    #[arg(value_name = "FROM")]
    first: Option<String>,
    /// The segment after; with --to, an expression takes its place
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
}

impl CompareArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = self.request()?;
        let mut stream = session.client.compare_segments(request).await?.into_inner();
        loop {
            let message = tokio::time::timeout(SILENCE, stream.message()).await;
            let response: Option<CompareSegmentsResponse> =
                message.map_err(|_| Error::Stalled(SILENCE))??;
            match response.and_then(|response| response.message) {
                None => return Err(Error::UnexpectedEnd),
                Some(Message::Heartbeat(_)) => {}
                Some(Message::Page(page)) => print(&page)?,
                Some(Message::Summary(summary)) => {
                    terminal::message(&format!(
                        "{} entered, {} left, {} unchanged at revision {}",
                        summary.entered_count,
                        summary.left_count,
                        summary.unchanged_count,
                        summary.revision
                    ));
                    return Ok(());
                }
            }
        }
    }

    fn request(self) -> Result<CompareSegmentsRequest, Error> {
        let mut segments = [self.first, self.second].into_iter().flatten();
        let mut comparand = |expression: Option<String>| {
            let segment = || segments.next().map(Source::SegmentId);
            let source = expression.map(Source::Expression).or_else(segment);
            source.map(|it| Comparand { source: Some(it) })
        };
        let (from, to) = (comparand(self.from), comparand(self.to));
        if from.is_none() || to.is_none() || segments.next().is_some() {
            let what = "name two segments, or expressions with --from and --to in their place";
            return Err(Error::Input(what.to_owned()));
        }
        Ok(CompareSegmentsRequest {
            from,
            to,
            options: Some(self.options.into()),
            ..CompareSegmentsRequest::default()
        })
    }
}

fn print(page: &Page) -> Result<(), Error> {
    let lines = |sign: char, members: &[SegmentMember]| -> Vec<String> {
        let line = |member: &SegmentMember| format!("{sign} {}", member.contact_id);
        members.iter().map(line).collect()
    };
    let lines = [lines('+', &page.entered), lines('-', &page.left)].concat();
    match lines.is_empty() {
        true => Ok(()),
        false => terminal::print(&lines.join("\n")),
    }
}
