//! The stream of what entered and what left between two sets of contacts.

use futures_util::{StreamExt, stream as streams, stream::BoxStream};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    convert::signed,
    field::*,
    stream::{self, Next, Place, Start},
    token::Binding,
};
use crate::{
    domain::{
        Call, Domain, Result, Violation,
        segments::{Difference, Differences, compare},
        selection::{Source, View},
    },
    model::Revision,
    pb::{
        self, SegmentMemberView,
        compare_segments_response::{Heartbeat, Message, Page, Summary},
    },
};

type Response = pb::CompareSegmentsResponse;

/// Compares two sets, and then streams how they differ.
pub(super) async fn stream(
    domain: Domain,
    call: Call,
    mut request: pb::CompareSegmentsRequest,
    shutdown: CancellationToken,
) -> Result<BoxStream<'static, Result<Response, Status>>> {
    let (view, most) = match request.view() {
        SegmentMemberView::Full => (View::Full, 2_000),
        SegmentMemberView::Ids | SegmentMemberView::Unspecified => (View::Ids, 10_000),
    };
    let start = Start::take("CompareSegments", &call, &mut request, most, |it| {
        (&mut it.page_size, &mut it.resume_token)
    })?;
    let from = source(request.from, request.options, "from")?;
    let to = source(request.to, request.options, "to")?;
    let comparison = compare(&domain, &call, &from, &to).await?;
    let revision = comparison.revision;
    let summary = Summary {
        entered_count: signed(comparison.entered.len()),
        left_count: signed(comparison.left.len()),
        unchanged_count: signed(comparison.unchanged),
        revision,
        revision_moved: start.has_moved(revision),
        ..Summary::default()
    };
    let after = start.after();
    let reader = Reader {
        differences: Differences::new(&domain, &call, comparison, view, start.size, after),
        summary: Some(summary),
        revision,
        binding: start.binding,
        shutdown,
        token: start.token,
    };
    let messages = streams::try_unfold(reader, |mut reader| async move {
        Ok(reader.next().await?.map(|message| (message, reader)))
    });
    Ok(messages.boxed())
}

fn source(
    comparand: Option<pb::Comparand>,
    options: Option<pb::SelectionOptions>,
    path: &str,
) -> Result<Source, Violation> {
    use pb::comparand::Source::{Expression, SegmentId};
    match comparand.and_then(|comparand| comparand.source) {
        None => Err("must be a segment_id or an expression").field(path),
        Some(SegmentId(id)) => Ok(Source::Segment(required(
            &id,
            &format!("{path}.segment_id"),
        )?)),
        Some(Expression(text)) => {
            let expression = text.parse().field(&format!("{path}.expression"))?;
            let options = options.unwrap_or_default().into();
            Ok(Source::Expression(expression, options))
        }
    }
}

/// A stream and how far it has come. Between two messages it holds the sets that differ, and one
/// page that is read ahead.
struct Reader {
    differences: Differences,
    /// The totals, until they are sent.
    summary: Option<Summary>,
    revision: Revision,
    binding: Binding,
    shutdown: CancellationToken,
    token: String,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Response>, Status> {
        if self.summary.is_none() {
            return Ok(None);
        }
        let message = match stream::next(&self.shutdown, self.differences.next()).await? {
            Next::Part(page) => Some(self.page(page)),
            Next::End => self.summary.take().map(Message::Summary),
            Next::Silence => Some(Message::Heartbeat(Heartbeat {
                resume_token: self.token.clone(),
            })),
        };
        Ok(Some(Response { message }))
    }

    fn page(&mut self, page: Difference) -> Message {
        if let Some(summary) = &mut self.summary {
            summary.sent_count += signed((page.entered.len() + page.left.len()) as u64);
            summary.deleted_count += signed(page.deleted as u64);
        }
        let place = Place {
            after: page.last,
            revision: self.revision,
        };
        self.token = self.binding.issue(&place.to_string());
        Message::Page(Page {
            entered: page.entered.into_iter().map(Into::into).collect(),
            left: page.left.into_iter().map(Into::into).collect(),
            resume_token: self.token.clone(),
        })
    }
}
