//! Showing segments.

use serde_json::{Value, json};

use super::{Error, Record, RecordFormatArgs, RecordPrinter, SegmentSession, each_page};
use crate::pb::{
    GetSegmentRequest, ListSegmentActionsRequest, ListSegmentsRequest, Segment, SegmentAction,
    SegmentActionKind,
};

#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl ShowArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(GetSegmentRequest {
            id: self.id.clone(),
        });
        let found = session.client.get_segment(request).await?.into_inner();
        let segment = record(found.segment.unwrap_or_default());
        let mut actions = Vec::new();
        each_page(async |page_token| {
            let request = session.connection.unary(ListSegmentActionsRequest {
                segment_id: self.id.clone(),
                page_token,
                ..ListSegmentActionsRequest::default()
            });
            let page = session.client.list_segment_actions(request).await?;
            let page = page.into_inner();
            actions.extend(page.actions);
            Ok(page.next_page_token)
        })
        .await?;
        let lines = actions.iter().map(action_line).collect::<Vec<_>>();
        let actions = actions.into_iter().map(action_value).collect::<Vec<_>>();
        let actions = Record(vec![("actions", actions.into())]);
        self.format.with_lines(segment, &lines, actions)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct ListSegmentsArgs {
    /// Only segments whose ids start with this
    #[arg(value_name = "PREFIX")]
    prefix: Option<String>,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl ListSegmentsArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let prefix = self.prefix.unwrap_or_default();
        let mut printer = RecordPrinter::new(self.format, None);
        each_page(async |page_token| {
            let request = session.connection.unary(ListSegmentsRequest {
                prefix: prefix.clone(),
                page_token,
                ..ListSegmentsRequest::default()
            });
            let page = session.client.list_segments(request).await?.into_inner();
            let records = page.segments.into_iter().map(record).collect();
            printer.page(records, page.next_page_token)
        })
        .await
    }
}

pub(super) fn record(segment: Segment) -> Record {
    Record(vec![
        ("id", segment.id.into()),
        ("description", segment.description.into()),
        ("member_count", segment.member_count.into()),
        ("company_count", segment.company_count.into()),
        ("person_count", segment.person_count.into()),
        ("action_count", segment.action_count.into()),
        ("revision", segment.revision.into()),
        ("etag", segment.etag.into()),
    ])
}

fn action_value(action: SegmentAction) -> Value {
    let options = action.options.unwrap_or_default();
    json!({
        "number": action.number,
        "kind": kind(&action).to_uppercase(),
        "expression": action.expression,
        "contact_ids": action.contact_ids,
        "contact_id_count": action.contact_id_count,
        "options": {
            "expand_companies": options.expand_companies,
            "include_related_companies": options.include_related_companies,
            "include_excluded": options.include_excluded,
            "include_privacy_blocked": options.include_privacy_blocked,
        },
        "entire_companies": action.entire_companies,
        "added_count": action.added_count,
        "removed_count": action.removed_count,
        "excluded_count": action.excluded_count,
        "privacy_blocked_count": action.privacy_blocked_count,
        "undoable": action.undoable,
        "revision": action.revision,
    })
}

fn kind(action: &SegmentAction) -> &'static str {
    match action.kind() {
        SegmentActionKind::Add => "add",
        SegmentActionKind::Reduce => "reduce",
        SegmentActionKind::Refine => "refine",
        SegmentActionKind::Unspecified => "?",
    }
}

/// An action in a line.
fn action_line(action: &SegmentAction) -> String {
    let contacts = match action.expression.is_empty() {
        false => action.expression.clone(),
        true => named(&action.contact_ids, action.contact_id_count),
    };
    let options = action.options.unwrap_or_default();
    let flags = [
        (options.expand_companies, "expand companies"),
        (options.include_related_companies, "related companies"),
        (options.include_excluded, "include excluded"),
        (options.include_privacy_blocked, "include privacy-blocked"),
        (action.entire_companies, "entire companies"),
    ];
    let flags = flags.iter().filter(|(set, _)| *set);
    let flags: String = flags.map(|(_, flag)| format!(", {flag}")).collect();
    let (added, removed) = (action.added_count, action.removed_count);
    format!(
        "{}. {} {contacts}{flags}: +{added} -{removed}",
        action.number,
        kind(action)
    )
}

fn named(ids: &[String], count: i64) -> String {
    let more = count - i64::try_from(ids.len()).unwrap_or(i64::MAX);
    match more {
        ..1 => format!("contacts {}", ids.join(" ")),
        _ => format!("contacts {} and {more} more", ids.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_read_as_lines() {
        let action = SegmentAction {
            number: 2,
            kind: SegmentActionKind::Refine.into(),
            expression: "MOVE".into(),
            entire_companies: true,
            removed_count: 4,
            ..SegmentAction::default()
        };
        assert_eq!(
            action_line(&action),
            "2. refine MOVE, entire companies: +0 -4"
        );
        assert_eq!(named(&["A".into()], 12), "contacts A and 11 more");
    }
}
