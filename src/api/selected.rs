//! Who is meant by a request: an expression with its options, or a segment.

use super::field::*;
use crate::{
    domain::{Violation, selection::Source},
    model::SelectionOptions,
    pb,
};

/// Whom to count.
pub(super) fn counted(request: pb::CountSegmentMembersRequest) -> Result<Source, Violation> {
    use pb::count_segment_members_request::Selection::{Expression, SegmentId};
    match request.selection {
        Some(SegmentId(id)) => segment(&id, request.options),
        Some(Expression(text)) => expression(&text, request.options),
        None => expression("", request.options),
    }
}

/// Whom to stream.
pub(super) fn streamed(request: pb::StreamSegmentMembersRequest) -> Result<Source, Violation> {
    use pb::stream_segment_members_request::Selection::{Expression, SegmentId};
    match request.selection {
        Some(SegmentId(id)) => segment(&id, request.options),
        Some(Expression(text)) => expression(&text, request.options),
        None => expression("", request.options),
    }
}

/// Those who match an expression.
pub(super) fn expression(
    text: &str,
    options: Option<pb::SelectionOptions>,
) -> Result<Source, Violation> {
    let expression = text.parse().field("expression")?;
    Ok(Source::Expression(
        expression,
        options.unwrap_or_default().into(),
    ))
}

fn segment(id: &str, options: Option<pb::SelectionOptions>) -> Result<Source, Violation> {
    let id = required(id, "segment_id")?;
    if SelectionOptions::from(options.unwrap_or_default()) != SelectionOptions::default() {
        let reason = "are for expressions; write the expression segment(\"ID\") instead";
        return Err(reason).field("options");
    }
    Ok(Source::Segment(id))
}
