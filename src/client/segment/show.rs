//! Showing segments.

use super::{Error, SegmentSession};
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
        let mut page_token = String::new();
        loop {
            let request = session.connection.unary(ListSegmentActionsRequest {
                segment_id: self.id.clone(),
                page_token,
                ..ListSegmentActionsRequest::default()
            });
            let page = session
                .client
                .list_segment_actions(request)
                .await?
                .into_inner();
            for action in &page.actions {
                terminal::print(&format!("  {}", action_line(action)))?;
            }
            if page.next_page_token.is_empty() {
                return Ok(());
            }
            page_token = page.next_page_token;
        }
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only segments whose ids start so
    #[arg(value_name = "PREFIX", default_value = "")]
    prefix: String,
}

impl ListArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let mut page_token = String::new();
        loop {
            let request = session.connection.unary(ListSegmentsRequest {
                prefix: self.prefix.clone(),
                page_token,
                ..ListSegmentsRequest::default()
            });
            let page = session.client.list_segments(request).await?.into_inner();
            for segment in &page.segments {
                terminal::print(&line(segment))?;
            }
            if page.next_page_token.is_empty() {
                return Ok(());
            }
            page_token = page.next_page_token;
        }
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
        pluralize(segment.action_count.into(), "action", "actions"),
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
    let whom = match action.expression.is_empty() {
        false => action.expression.clone(),
        true => named(&action.contact_ids, action.contact_id_count),
    };
    let options = action.options.unwrap_or_default();
    let flags = [
        (options.expand_companies, "expand companies"),
        (options.include_related_companies, "related companies"),
        (options.include_excluded, "excluded too"),
        (options.include_privacy_blocked, "privacy-blocked too"),
        (action.entire_companies, "entire companies"),
    ];
    let flags = flags.iter().filter(|(set, _)| *set);
    let flags: String = flags.map(|(_, flag)| format!(", {flag}")).collect();
    let (added, removed) = (action.added_count, action.removed_count);
    format!(
        "{}. {kind} {whom}{flags}: +{added} -{removed}",
        action.number
    )
}

fn named(ids: &[String], count: i32) -> String {
    let more = i64::from(count) - i64::try_from(ids.len()).unwrap_or(i64::MAX);
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
