//! The reason of each error.

use crate::{
    domain::{
        BrokenRule, Error, Precondition, Refusal, Resource,
        selection::{SelectionError, SelectionFault},
    },
    model::Reason,
};

/// The reason of an error.
pub(super) fn reason_of(error: &Error) -> Reason {
    match error {
        Error::BrokenRule(BrokenRule::Contact(Refusal::UnknownCompany(_))) => {
            Reason::ContactNotFound
        }
        Error::Invalid(_) | Error::InvalidStart(_) | Error::BrokenRule(_) => Reason::InvalidField,
        Error::Selection(SelectionError { fault, .. }) => selection_reason(fault),
        Error::NotFound {
            renamed_to: Some(_),
            ..
        } => Reason::MailingGroupRenamed,
        Error::NotFound { resource, .. } => not_found(*resource),
        Error::UnknownContacts(_) => Reason::ContactNotFound,
        Error::AlreadyExists { resource, .. } => already_exists(*resource),
        Error::Precondition(precondition) => precondition_reason(precondition),
        Error::Stale { .. } => Reason::EtagMismatch,
        Error::ImportOvertaken(_) => Reason::ImportOvertaken,
        Error::HistoryPruned { .. } => Reason::HistoryPruned,
        Error::Full(resource) => numbers_spent(*resource),
        Error::Unavailable(_) => Reason::DatabaseUnavailable,
        Error::Overloaded => Reason::Overloaded,
        Error::Internal(_) => Reason::Internal,
    }
}

fn selection_reason(fault: &SelectionFault) -> Reason {
    match fault {
        SelectionFault::UnknownOperand {
            renamed_to: Some(_),
            ..
        } => Reason::MailingGroupRenamed,
        SelectionFault::UnknownOperand { resource, .. } => not_found(*resource),
        SelectionFault::UnknownSegment(_) => Reason::SegmentNotFound,
        SelectionFault::NotACompany { .. } => Reason::InvalidField,
    }
}

fn not_found(resource: Resource) -> Reason {
    match resource {
        Resource::MailingGroup => Reason::MailingGroupNotFound,
        Resource::Contact => Reason::ContactNotFound,
        Resource::Segment => Reason::SegmentNotFound,
        Resource::SavedCriteria => Reason::SavedCriteriaNotFound,
    }
}

fn already_exists(resource: Resource) -> Reason {
    match resource {
        Resource::MailingGroup => Reason::MailingGroupAlreadyExists,
        Resource::Contact => Reason::ContactAlreadyExists,
        Resource::Segment => Reason::SegmentAlreadyExists,
        Resource::SavedCriteria => Reason::SavedCriteriaAlreadyExists,
    }
}

fn numbers_spent(resource: Resource) -> Reason {
    match resource {
        Resource::MailingGroup => Reason::MailingGroupNumbersSpent,
        Resource::Contact => Reason::ContactNumbersSpent,
        Resource::Segment => Reason::SegmentNumbersSpent,
        Resource::SavedCriteria => Reason::SavedCriteriaNumbersSpent,
    }
}

fn precondition_reason(precondition: &Precondition) -> Reason {
    match precondition {
        Precondition::GroupHasMembers { .. } => Reason::MailingGroupHasMembers,
        Precondition::CompanyHasPeople { .. } => Reason::CompanyHasPeople,
        Precondition::ContactOnSegments { .. } => Reason::ContactOnSegments,
        Precondition::NothingToUndo(_) => Reason::NothingToUndo,
        Precondition::UndoHistoryEnded(_) => Reason::UndoHistoryEnded,
        Precondition::NoActions(_) => Reason::SegmentHasNoActions,
        Precondition::DifferentKinds { .. } => Reason::ContactKindsDiffer,
    }
}
