//! Batches of assignments: one outcome an item, also for items that are not well formed.

use std::collections::HashMap;

use super::convert::{assignment, to_wire_count};
use crate::{
    domain::{Call, Domain, IdempotencyKey, Result, Violation, memberships},
    model::{Assignment, AssignmentOutcome, Direction, FormerName, Revision},
    pb,
};

/// Items as they were read: what is to be done, or why nothing can be.
pub(super) type Items = Vec<Result<Assignment, Violation>>;

/// What became of a batch.
pub(super) struct Done {
    /// One result an item, in order.
    pub(super) results: Vec<pb::AssignmentResult>,
    /// How many items changed something.
    pub(super) changed: i64,
    /// The revision after it.
    pub(super) revision: Revision,
}

/// Reads the items of a batch.
pub(super) fn read(items: &[pb::Assignment]) -> Items {
    let read = |item: &pb::Assignment| assignment(&item.contact_id, &item.code, "");
    items.iter().map(read).collect()
}

/// Changes the memberships of a batch.
pub(super) async fn change(
    domain: &Domain,
    call: &Call,
    items: Items,
    direction: Direction,
    key: Option<IdempotencyKey>,
) -> Result<Done> {
    let good: Vec<Assignment> = items.iter().flatten().cloned().collect();
    let (outcomes, revision) =
        memberships::change_many(domain, call, &good, direction, key).await?;
    let changed = outcomes
        .iter()
        .filter(|outcome| **outcome == AssignmentOutcome::Changed)
        .count();
    let results = results(items, outcomes);
    Ok(Done {
        results,
        changed: to_wire_count(changed as u64),
        revision,
    })
}

/// One result an item, of which the well-formed ones have these outcomes.
fn results(items: Items, outcomes: Vec<AssignmentOutcome>) -> Vec<pb::AssignmentResult> {
    let mut outcomes = outcomes.into_iter();
    let result = |item| match item {
        Ok(_) => outcomes.next().map(Into::into).unwrap_or_default(),
        Err(violation) => invalid(&violation),
    };
    items.into_iter().map(result).collect()
}

/// The result of an item that is not well formed.
pub(super) fn invalid(violation: &Violation) -> pb::AssignmentResult {
    pb::AssignmentResult {
        outcome: pb::AssignmentOutcome::Invalid.into(),
        message: format!("{} {}", violation.field, violation.reason),
        metadata: HashMap::new(),
    }
}

impl From<AssignmentOutcome> for pb::AssignmentResult {
    fn from(outcome: AssignmentOutcome) -> Self {
        use pb::AssignmentOutcome as Wire;
        let (outcome, message, former) = match outcome {
            AssignmentOutcome::Changed => (Wire::Changed, "", None),
            AssignmentOutcome::Unchanged => (Wire::Unchanged, "", None),
            AssignmentOutcome::UnknownContact => {
                (Wire::UnknownContact, "there is no such contact", None)
            }
            AssignmentOutcome::UnknownGroup => {
                (Wire::UnknownGroup, "there is no such mailing group", None)
            }
            AssignmentOutcome::ContactMerged(name) => {
                let message = "the contact was merged into another";
                (Wire::ContactMerged, message, name)
            }
            AssignmentOutcome::GroupRenamed(name) => {
                let message = "the mailing group has another code now";
                (Wire::MailingGroupRenamed, message, Some(name))
            }
        };
        Self {
            outcome: outcome.into(),
            message: message.to_owned(),
            metadata: former.map(former_name).unwrap_or_default(),
        }
    }
}

/// The metadata of an item that uses a former name, as in the errors of single calls.
pub(super) fn former_name(FormerName { former, current }: FormerName) -> HashMap<String, String> {
    HashMap::from([
        ("former".to_owned(), former),
        ("current".to_owned(), current),
    ])
}
