//! Showing segments.

use super::{Error, SegmentSession, each_page};
use crate::{
    client::terminal::{self, pluralize},
    pb::{
        GetSegmentRequest, ListSegmentActionsRequest, ListSegmentsRequest, Segment, SegmentAction,
        SegmentActionKind,
    },
};

#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
}

impl ShowArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(GetSegmentRequest {
            id: self.id.clone(),
        });
        let found = session.client.get_segment(request).await?.into_inner();
        terminal::print(&line(&found.segment.unwrap_or_default()))?;
        each_page(async |page_token| {
            let request = session.connection.unary(ListSegmentActionsRequest {
                segment_id: self.id.clone(),
                page_token,
                ..ListSegmentActionsRequest::default()
            });
            let page = session.client.list_segment_actions(request).await?;
            let page = page.into_inner();
            for action in &page.actions {
                terminal::print_or_stop(format!("  {}", action_line(action)))?;
            }
            Ok(page.next_page_token)
        })
        .await
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct ListSegmentsArgs {
    /// Only segments whose ids start with this
    #[arg(value_name = "PREFIX")]
    prefix: Option<String>,
}

impl ListSegmentsArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let prefix = self.prefix.unwrap_or_default();
        each_page(async |page_token| {
            let request = session.connection.unary(ListSegmentsRequest {
                prefix: prefix.clone(),
                page_token,
                ..ListSegmentsRequest::default()
            });
            let page = session.client.list_segments(request).await?.into_inner();
            for segment in &page.segments {
                terminal::print_or_stop(line(segment))?;
            }
            Ok(page.next_page_token)
        })
        .await
    }
}

/// A segment in a line.
pub(super) fn line(segment: &Segment) -> String {
    let counts = format!(
        "{}: {} ({}, {}), {}",
        segment.id,
        pluralize(segment.member_count, "member", "members"),
        pluralize(segment.company_count, "company", "companies"),
        pluralize(segment.person_count, "person", "persons"),
        pluralize(segment.action_count, "action", "actions"),
    );
    match segment.description.is_empty() {
        true => counts,
        false => format!("{counts}: {}", segment.description),
    }
}

/// An action in a line.
fn action_line(action: &SegmentAction) -> String {
    let kind = match action.kind() {
        SegmentActionKind::Add => "add",
        SegmentActionKind::Reduce => "reduce",
        SegmentActionKind::Refine => "refine",
        SegmentActionKind::Unspecified => "?",
    };
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
        "{}. {kind} {contacts}{flags}: +{added} -{removed}",
        action.number
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
    fn segments_and_actions_read_as_lines() {
        let segment = Segment {
            id: "S".into(),
            member_count: 3,
            company_count: 1,
            person_count: 2,
            action_count: 1,
            description: "spring".into(),
            ..Segment::default()
        };
        assert_eq!(
            line(&segment),
            "S: 3 members (1 company, 2 persons), 1 action: spring"
        );
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
