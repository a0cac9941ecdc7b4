//! Assignments of groups to contacts, and memberships.

use serde::{Deserialize, Serialize};

use super::{Code, ContactId, Revision, Time};

/// A membership as stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Membership {
    pub(crate) contact_id: ContactId,
    pub(crate) code: Code,
    /// The revision at which the group was assigned.
    pub(crate) revision: Revision,
    /// When it was assigned.
    pub(crate) create_time: Time,
}

/// Whether memberships are added or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Assign,
    Unassign,
}

/// A contact and a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// The contact.
    pub contact_id: ContactId,
    /// The group.
    pub code: Code,
}

/// The former name of a resource, and its present one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FormerName {
    pub(crate) former: String,
    pub(crate) current: String,
}

/// The outcome of one assignment or unassignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AssignmentOutcome {
    Changed,
    Unchanged,
    UnknownContact,
    UnknownGroup,
    /// The contact was merged into another. What is kept for a `request_id` does not hold
    /// the name: it would outlive the contact.
    ContactMerged(#[serde(skip)] Option<FormerName>),
    /// The group has another code.
    GroupRenamed(FormerName),
}
