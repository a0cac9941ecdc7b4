//! Why operations fail: broken rules, states that forbid them.

use crate::{
    domain::{Error, upsert::Refusal},
    model::{Attributes, Code, ContactId, MAX_UNDOABLE_ACTIONS, RequestId, SegmentId},
};

/// A field of the request and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field's path as the caller writes it.
    pub(crate) field: String,
    /// What is wrong and what would be right, as the end of a sentence that starts with the
    /// field.
    pub(crate) reason: String,
}

/// A broken rule. Displays what would be right, as the end of a sentence that starts with the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenRule {
    /// A rule between contacts and companies.
    #[error("{0}")]
    Contact(Refusal),
    /// The request id was used for a request with other content.
    #[error("was used for another request within the last 7 days; choose a new one")]
    RequestIdReused,
    /// A contact is merged into itself.
    #[error("must be another contact than kept_id")]
    MergedIntoItself,
    /// A validation would have to remember too many contacts or memberships.
    #[error("is for at most {0} that would be new or changed; validate the rest in another import")]
    TooMuchToValidate(usize),
}

/// Kinds of things that have names; displays as people say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Resource {
    /// A mailing group.
    #[error("mailing group")]
    MailingGroup,
    /// A contact.
    #[error("contact")]
    Contact,
    /// A segment.
    #[error("segment")]
    Segment,
    /// Saved criteria.
    #[error("saved criteria")]
    SavedCriteria,
    /// An action of a segment.
    #[error("segment action")]
    SegmentAction,
    /// A tenant.
    #[error("tenant")]
    Tenant,
}

/// What two imports of the same id differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImportDifference {
    /// Contacts, or memberships.
    #[error("kind of items")]
    Kind,
    /// What identifies the content.
    #[error("fingerprint")]
    Fingerprint,
    /// The fields that the items carry.
    #[error("update_mask")]
    Fields,
}

impl Resource {
    /// Where to find what has another name now, as the end of a sentence that says it is not there.
    pub(crate) fn moved(self, current: Option<&str>) -> String {
        match (self, current) {
            (_, None) => String::new(),
            (Self::Contact, Some(current)) => format!("; it was merged into {current}"),
            (
                Self::MailingGroup
                | Self::Segment
                | Self::SavedCriteria
                | Self::SegmentAction
                | Self::Tenant,
                Some(current),
            ) => format!("; it is {current} now"),
        }
    }
}

impl Resource {
    /// Why a new one cannot have the former name of another.
    pub(crate) fn former_name_reason(self, name: &str, current: &str) -> String {
        let which = match self {
            Self::Contact => format!("{self} {name} was merged into {current}"),
            Self::MailingGroup
            | Self::Segment
            | Self::SavedCriteria
            | Self::SegmentAction
            | Self::Tenant => {
                format!("{self} {name} is {current} now")
            }
        };
        format!("{which}; use that name, or set reuse_former to give {name} to a new {self}")
    }
}

/// One of many contacts, which does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownContact {
    /// Its place among them, from 0.
    pub(crate) at: usize,
    /// The id.
    pub(crate) id: ContactId,
    /// The contact that it was merged into.
    pub(crate) merged_into: Option<ContactId>,
}

impl UnknownContact {
    /// The error for this contact alone.
    pub(crate) fn error(&self) -> Error {
        Error::no_contact(&self.id, self.merged_into.as_ref().map(ToString::to_string))
    }
}

/// States that forbid an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Precondition {
    /// A group to be deleted has members.
    #[error("mailing group {code} is assigned to {count} contacts; unassign them or set force")]
    GroupHasMembers {
        /// The group.
        code: Code,
        /// How many.
        count: i64,
    },
    /// A company to be deleted, or to become a person, has people.
    #[error("company {id} has {count} people")]
    CompanyHasPeople {
        /// The company.
        id: ContactId,
        /// How many.
        count: i64,
    },
    /// A contact to be deleted is on segments.
    #[error("contact {id} is on {count} segments; set force to take it from them")]
    ContactOnSegments {
        /// The contact.
        id: ContactId,
        /// How many.
        count: i64,
        /// The first of them, by id.
        segments: Vec<SegmentId>,
    },
    /// A segment has no action to undo.
    #[error("segment {0} has no action to undo")]
    NothingToUndo(SegmentId),
    /// A segment's last action is too old to be undone.
    #[error(
        "segment {0} cannot go back any further: the latest {MAX_UNDOABLE_ACTIONS} actions can be undone"
    )]
    UndoHistoryEnded(SegmentId),
    /// A segment has no action to save.
    #[error("segment {0} has no actions to save")]
    NoActions(SegmentId),
    /// An import cannot be continued like this.
    #[error(
        "import {id} was started with another {difference}; continue it as it was started, or choose a new import_id"
    )]
    ImportIdReused {
        /// The import.
        id: RequestId,
        /// What differs.
        difference: ImportDifference,
    },
    /// Two contacts to be merged have too many attributes together.
    #[error("contacts {kept} and {merged} have {count} attributes together; a contact may have {max}; remove some first", max = Attributes::MAX)]
    TooManyAttributes {
        /// The contact to be kept.
        kept: ContactId,
        /// The contact to be merged.
        merged: ContactId,
        /// How many.
        count: usize,
    },
    /// A company and a person cannot be merged.
    #[error("contacts {kept} and {merged} are of different kinds")]
    DifferentKinds {
        /// The contact to be kept.
        kept: ContactId,
        /// The contact to be merged.
        merged: ContactId,
    },
}
