//! A stored set of contacts, built by actions.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    ActionKind, ContactSet, CriteriaCode, Description, Expression, Revision, SegmentId,
    SelectionOptions, Time,
};
use crate::schema::{saved_criteria, segments};

/// A segment as stored, without its members.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, HasQuery)]
#[diesel(table_name = segments)]
pub(crate) struct Segment {
    /// The segment's number within its tenant: never reused.
    pub(crate) segment_number: i32,
    /// The id, unique in the tenant; it never changes.
    pub id: SegmentId,
    /// What the segment is for.
    pub(crate) description: Description,
    /// How many actions are recorded: they are numbered from 1 to this.
    pub(crate) action_count: i32,
    /// The revision at which it last changed.
    pub(crate) revision: Revision,
    /// When it was created.
    pub(crate) create_time: Time,
    /// When it last changed.
    pub(crate) update_time: Time,
}

impl Segment {
    /// Changes with every action and with the description.
    pub(crate) fn etag(&self) -> String {
        super::page::strong_etag(self.revision, self.update_time)
    }
}

/// A segment and how many contacts are on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CountedSegment {
    /// The segment.
    pub(crate) segment: Segment,
    /// Contacts on it.
    pub(crate) members: u64,
    /// Companies among them.
    pub(crate) companies: u64,
}

impl CountedSegment {
    /// Persons among the members.
    pub(crate) fn persons(&self) -> u64 {
        self.members - self.companies
    }
}

/// Who is meant by an action.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Selector {
    /// Those who match.
    Expression(Expression),
    /// Those who were named one by one.
    Contacts(ContactSet),
}

/// What an action is to do, and to whom.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Criterion {
    /// What it does.
    pub(crate) kind: ActionKind,
    /// Who is meant.
    pub(crate) selector: Selector,
    /// The options of an Add.
    pub(crate) options: SelectionOptions,
    /// A match counts for its whole company, in a Reduce or Refine.
    pub(crate) entire_companies: bool,
}

impl Criterion {
    /// How those who are meant are selected. To reduce and to refine, everybody counts who
    /// matches, also those who would not be added.
    pub(crate) fn selection_options(&self) -> SelectionOptions {
        match self.kind {
            ActionKind::Add => self.options,
            ActionKind::Reduce | ActionKind::Refine => SelectionOptions {
                expand_companies: self.entire_companies,
                ..SelectionOptions::everybody()
            },
        }
    }
}

/// How many of the latest actions of a segment can be undone: the database keeps their changes.
pub(crate) const MAX_UNDOABLE_ACTIONS: i32 = 256;

/// An action as recorded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SegmentAction {
    /// Its place in the segment's history, from 1.
    pub(crate) number: i32,
    /// What it did, and to whom.
    pub(crate) criterion: Criterion,
    /// Contacts that came onto the segment.
    pub(crate) added: u64,
    /// Contacts that left it.
    pub(crate) removed: u64,
    /// Matches that an Add dropped because they were to be left out of segments.
    pub(crate) excluded: u64,
    /// Matches that an Add dropped because they are privacy-blocked.
    pub(crate) privacy_blocked: u64,
    /// Whether it can still be undone.
    pub(crate) undoable: bool,
    /// The revision it made.
    pub(crate) revision: Revision,
    /// When it was done.
    pub(crate) create_time: Time,
}

/// Actions of a segment, saved to be run again.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[diesel(table_name = saved_criteria)]
pub(crate) struct SavedCriteria {
    /// The number within the tenant: never reused.
    pub(crate) criteria_number: i32,
    /// The code, unique in the tenant.
    pub(crate) code: CriteriaCode,
    /// What they are for.
    pub(crate) description: Description,
    /// How many actions there are.
    pub(crate) action_count: i32,
    /// The revision at which they were saved.
    pub(crate) revision: Revision,
    /// When they were saved.
    pub(crate) create_time: Time,
}
