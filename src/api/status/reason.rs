//! The reason of each error.

use crate::{
    domain::{
        BrokenRule, Error, Precondition, Refusal, Resource,
        selection::{SelectionError, SelectionFault},
    },
    pb::ErrorReason,
};

/// The reason as clients read it in `ErrorInfo`.
pub(super) fn reason_name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

/// The reason of an error.
pub(super) fn reason_of(error: &Error) -> ErrorReason {
    match error {
        Error::BrokenRule(BrokenRule::Contact(Refusal::UnknownCompany { merged_into, .. })) => {
            not_found(Resource::Contact, merged_into.is_some())
        }
        Error::Invalid(_) | Error::InvalidStart(_) | Error::BrokenRule(_) => {
            ErrorReason::InvalidField
        }
        Error::Selection(SelectionError { fault, .. }) => selection_reason(fault),
        Error::NotFound {
            resource, current, ..
        } => not_found(*resource, current.is_some()),
        Error::UnknownContacts(unknown) => reason_of(&unknown[0].error()),
        Error::FormerName { resource, .. } => not_found(*resource, true),
        Error::AlreadyExists { resource, .. } => already_exists(*resource),
        Error::Precondition(precondition) => precondition_reason(precondition),
        Error::Stale { .. } => ErrorReason::EtagMismatch,
        Error::ImportOvertaken(_) => ErrorReason::ImportOvertaken,
        Error::HistoryPruned { .. } => ErrorReason::HistoryPruned,
        Error::DeletedSince(resource) => not_found(*resource, false),
        Error::HistoryReplaced => ErrorReason::HistoryReplaced,
        Error::CommitOutcomeUnknown { .. } => ErrorReason::CommitOutcomeUnknown,
        Error::NumbersExhausted(resource) => numbers_spent(*resource),
        Error::LimitReached { .. } => ErrorReason::TenantLimitReached,
        Error::Unavailable(_) => ErrorReason::DatabaseUnavailable,
        Error::DatabaseFull(_) => ErrorReason::DatabaseFull,
        Error::Contended | Error::Overloaded => ErrorReason::Overloaded,
        Error::ShuttingDown => ErrorReason::ShuttingDown,
        Error::Internal(_) => ErrorReason::Internal,
    }
}

fn selection_reason(fault: &SelectionFault) -> ErrorReason {
    match fault {
        SelectionFault::UnknownOperand {
            resource, current, ..
        } => not_found(*resource, current.is_some()),
        SelectionFault::UnknownSegment(_) => ErrorReason::SegmentNotFound,
        SelectionFault::NotACompany { .. } | SelectionFault::TooManyGroups { .. } => {
            ErrorReason::InvalidField
        }
    }
}

/// The reason for a name that nothing has, or that something had before.
fn not_found(resource: Resource, is_former: bool) -> ErrorReason {
    match resource {
        Resource::MailingGroup if is_former => ErrorReason::MailingGroupRenamed,
        Resource::MailingGroup => ErrorReason::MailingGroupNotFound,
        Resource::Contact if is_former => ErrorReason::ContactMerged,
        Resource::Contact => ErrorReason::ContactNotFound,
        Resource::Segment => ErrorReason::SegmentNotFound,
        Resource::SavedCriteria => ErrorReason::SavedCriteriaNotFound,
        Resource::SegmentAction => ErrorReason::SegmentActionNotFound,
        Resource::Tenant => ErrorReason::TenantNotFound,
    }
}

fn already_exists(resource: Resource) -> ErrorReason {
    match resource {
        Resource::MailingGroup => ErrorReason::MailingGroupAlreadyExists,
        Resource::Contact => ErrorReason::ContactAlreadyExists,
        Resource::Segment => ErrorReason::SegmentAlreadyExists,
        Resource::SavedCriteria => ErrorReason::SavedCriteriaAlreadyExists,
        Resource::Tenant => ErrorReason::TenantAlreadyExists,
        // The service numbers actions.
        Resource::SegmentAction => ErrorReason::Internal,
    }
}

fn numbers_spent(resource: Resource) -> ErrorReason {
    match resource {
        Resource::MailingGroup => ErrorReason::MailingGroupNumbersSpent,
        Resource::Contact => ErrorReason::ContactNumbersSpent,
        Resource::Segment => ErrorReason::SegmentNumbersSpent,
        Resource::SavedCriteria => ErrorReason::SavedCriteriaNumbersSpent,
        // Actions have no limit of their own, and tenants have none.
        Resource::SegmentAction | Resource::Tenant => ErrorReason::Internal,
    }
}

fn precondition_reason(precondition: &Precondition) -> ErrorReason {
    match precondition {
        Precondition::GroupHasMembers { .. } => ErrorReason::MailingGroupHasMembers,
        Precondition::CompanyHasPeople { .. } => ErrorReason::CompanyHasPersons,
        Precondition::ContactOnSegments { .. } => ErrorReason::ContactOnSegments,
        Precondition::NothingToUndo(_) => ErrorReason::NothingToUndo,
        Precondition::UndoHistoryEnded(_) => ErrorReason::UndoHistoryEnded,
        Precondition::NoActions(_) => ErrorReason::SegmentHasNoActions,
        Precondition::DifferentKinds { .. } => ErrorReason::ContactKindsDiffer,
        Precondition::TooManyAttributes { .. } => ErrorReason::ContactAttributesExceeded,
        Precondition::ImportIdReused { .. } => ErrorReason::ImportIdReused,
    }
}
