//! The stream of what entered and what left between two sets of contacts.

use tokio_util::sync::CancellationToken;

use super::{
    contact_sizes,
    convert::to_wire_count,
    request::{selection_source, view_and_max_page},
    stream::{self, PageSource, ResponseStream, ResumeToken, StreamRequest},
};
use crate::{
    domain::{
        Call, Domain, Result,
        segments::{DifferencePage, Differences, compare},
    },
    pb::{
        self,
        compare_segments_response::{Heartbeat, Message, Page, Summary},
    },
};

/// Compares two sets, and then streams how they differ.
pub(super) async fn stream(
    domain: Domain,
    call: Call,
    mut request: pb::CompareSegmentsRequest,
    shutdown: CancellationToken,
) -> Result<ResponseStream<pb::CompareSegmentsResponse>> {
    let (view, max) = view_and_max_page(request.view());
    let start = StreamRequest::take(&call, &mut request, max)?;
    let before = selection_source(request.before, "before")?;
    let after = selection_source(request.after, "after")?;
    start.check(&domain, &call).await?;
    let comparison = compare(&domain, &call, &before, &after).await?;
    let (position, commit) = (start.after(), comparison.commit);
    let summary = Summary {
        entered_count: to_wire_count(comparison.entered.len()),
        left_count: to_wire_count(comparison.left.len()),
        unchanged_count: to_wire_count(comparison.unchanged),
        revision: commit.revision,
        revision_moved: start.has_moved(commit),
        ..Summary::default()
    };
    let source = DifferencePages {
        differences: Differences::new(&domain, &call, comparison, view, start.size, position),
        summary,
    };
    let token = start.into_resume_token(commit);
    Ok(stream::pages(source, token, shutdown))
}

/// The sets that differ, their prefetched page, and the totals so far.
struct DifferencePages {
    differences: Differences,
    summary: Summary,
}

/// A page, in parts that fit into a message.
fn parts(mut page: DifferencePage) -> Vec<DifferencePage> {
    let cuts = contact_sizes::cuts(&[&page.entered, &page.left]);
    let part = |last| DifferencePage {
        entered: contact_sizes::take_up_to(&mut page.entered, last),
        left: contact_sizes::take_up_to(&mut page.left, last),
        last,
        deleted: 0,
    };
    let mut parts: Vec<_> = cuts.into_iter().map(part).collect();
    parts.push(page);
    parts
}

impl PageSource for DifferencePages {
    type Part = DifferencePage;
    type Response = pb::CompareSegmentsResponse;

    async fn pull(&mut self) -> Result<Vec<DifferencePage>> {
        let page = self.differences.next().await?;
        Ok(page.map(parts).unwrap_or_default())
    }

    fn page(&mut self, page: DifferencePage, token: &mut ResumeToken) -> Self::Response {
        let sent = page.entered.len() + page.left.len();
        self.summary.sent_count += to_wire_count(sent as u64);
        self.summary.deleted_count += to_wire_count(page.deleted as u64);
        response(Message::Page(Page {
            entered: page.entered.into_iter().map(Into::into).collect(),
            left: page.left.into_iter().map(Into::into).collect(),
            resume_token: token.advance(page.last),
        }))
    }

    fn summary(&mut self) -> Self::Response {
        response(Message::Summary(self.summary))
    }

    fn heartbeat(resume_token: String) -> Self::Response {
        response(Message::Heartbeat(Heartbeat { resume_token }))
    }
}

fn response(message: Message) -> pb::CompareSegmentsResponse {
    pb::CompareSegmentsResponse {
        message: Some(message),
    }
}
