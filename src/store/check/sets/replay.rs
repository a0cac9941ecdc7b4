//! Undoes the actions of a segment one by one: what an action added has to be there, and what it removed
//! must not; before the first one the segment is empty.

use diesel::prelude::*;

use crate::{
    model::{ActionKind, ContactSet, MAX_UNDOABLE_ACTIONS},
    schema::segment_actions,
    store::check::{Findings, Invariant},
};

const MEMBERS: Invariant = Invariant {
    name: "segment-members",
    rule: "The members of a segment are what its actions made of them, as far as they can be undone.",
};

const COUNTS: Invariant = Invariant {
    name: "action-counts",
    rule: "An action counts the contacts that it added or removed.",
};

const UNDO: Invariant = Invariant {
    name: "undoable-actions",
    rule: "The latest actions of a segment can be undone, and no others.",
};

/// An action as recorded.
#[derive(HasQuery)]
#[diesel(table_name = segment_actions)]
pub(super) struct RecordedAction {
    pub(super) action_number: i32,
    kind: ActionKind,
    pub(super) expression: Option<String>,
    pub(super) contacts: Option<Vec<u8>>,
    added_count: i64,
    removed_count: i64,
    pub(super) changed: Option<Vec<u8>>,
}

/// A segment, back to one of its actions.
pub(super) struct Replay {
    segment: i32,
    action_count: i32,
    /// The members that mean a contact; `None` if they are not known. Deleted contacts are taken out of
    /// stored sets at any time.
    members: Option<ContactSet>,
    finalized: bool,
}

impl Replay {
    pub(super) fn new(segment: i32, action_count: i32, members: Option<ContactSet>) -> Self {
        Self {
            segment,
            action_count,
            members,
            finalized: false,
        }
    }

    /// Undoes the action before those that were undone already. `changed` is `None` if it cannot be undone
    /// any more, and `Some(None)` if the set cannot be read.
    pub(super) fn undo(
        &mut self,
        action: &RecordedAction,
        changed: Option<Option<ContactSet>>,
        present: &ContactSet,
        findings: &mut Findings,
    ) {
        let number = action.action_number;
        let place = || format!("segment {}, action {number}", self.segment);
        let is_last = number > self.action_count - MAX_UNDOABLE_ACTIONS;
        if changed.is_some() && (self.finalized || !is_last) {
            findings.add(UNDO, place());
        }
        let changed = changed.flatten();
        if let Some(changed) = &changed
            && !action.counts(changed.len())
        {
            findings.add(COUNTS, place());
        }
        self.finalized |= action.changed.is_none();
        let members = self.members.take().zip(changed);
        self.members = members.map(|(mut members, changed)| {
            let changed = changed & present;
            let agrees = match action.kind {
                ActionKind::Add => {
                    let agrees = changed.is_subset(&members);
                    members -= changed;
                    agrees
                }
                ActionKind::Reduce | ActionKind::Refine => {
                    let agrees = changed.is_disjoint(&members);
                    members |= changed;
                    agrees
                }
            };
            if !agrees {
                findings.add(MEMBERS, place());
            }
            members
        });
    }

    /// Checks that nothing is left after all actions are undone.
    pub(super) fn end(self, findings: &mut Findings) {
        let left = self.members.map_or(0, |it| it.len());
        if left > 0 {
            let segment = self.segment;
            findings.add(
                MEMBERS,
                format!("segment {segment}: members that no action added: {left}"),
            );
        }
    }
}

impl RecordedAction {
    /// Whether it counts as many contacts as it changed numbers. A merged contact may have several.
    fn counts(&self, changed: u64) -> bool {
        let changed = i64::try_from(changed).unwrap_or(i64::MAX);
        match self.kind {
            ActionKind::Add => (self.added_count, self.removed_count) == (changed, 0),
            ActionKind::Reduce | ActionKind::Refine => {
                self.added_count == 0
                    && self.removed_count <= changed
                    && (self.removed_count > 0) == (changed > 0)
            }
        }
    }
}
