//! The fields that errors are about, as the caller writes them.

use super::reason::reason_of;
use crate::{
    domain::{
        BrokenRule, ContactField, Error, Violation,
        selection::{SelectionError, SelectionFault, SelectionPart},
    },
    pb::ErrorReason,
};

/// The message. For a bad field it is the field's path and what is wrong with it.
pub(super) fn message(error: &Error) -> String {
    if reason_of(error) == ErrorReason::InvalidField
        && let Some(Violation { field, reason }) = violation(error)
    {
        return format!("{field} {reason}");
    }
    error.to_string()
}

/// The field that an error of one field is about.
pub(super) fn violation(error: &Error) -> Option<Violation> {
    match error {
        Error::InvalidStart(start) => Some(Violation {
            field: "revision".to_owned(),
            reason: start.to_string(),
        }),
        Error::Selection(error) => selection_violation(error),
        Error::BrokenRule(rule) => Some(broken_rule(rule)),
        Error::NotFound { .. }
        | Error::FormerName { .. }
        | Error::Invalid(_)
        | Error::UnknownContacts(_)
        | Error::AlreadyExists { .. }
        | Error::Precondition(_)
        | Error::Stale { .. }
        | Error::ImportOvertaken(_)
        | Error::HistoryPruned { .. }
        | Error::NumbersExhausted(_)
        | Error::LimitReached { .. }
        | Error::DeletedSince(_)
        | Error::HistoryReplaced
        | Error::CommitOutcomeUnknown { .. }
        | Error::Unavailable(_)
        | Error::DatabaseFull(_)
        | Error::Contended
        | Error::ShuttingDown
        | Error::Overloaded
        | Error::Internal(_) => None,
    }
}

/// The field that holds an invalid selection.
fn selection_violation(SelectionError { part, fault }: &SelectionError) -> Option<Violation> {
    let path = match part {
        SelectionPart::Selection => "selection.".to_owned(),
        SelectionPart::Action => String::new(),
        SelectionPart::Before => "before.".to_owned(),
        SelectionPart::After => "after.".to_owned(),
        SelectionPart::SavedAction(at) => format!("actions[{at}]."),
    };
    let (field, reason) = match fault {
        SelectionFault::UnknownOperand {
            resource,
            name,
            current,
            position,
        } => {
            let moved = resource.moved(current.as_deref());
            let reason = format!("at position {position}: there is no {resource} {name}{moved}");
            ("expression", reason)
        }
        SelectionFault::NotACompany { .. } | SelectionFault::TooManyGroups { .. } => {
            ("expression", fault.to_string())
        }
        SelectionFault::UnknownSegment(id) => {
            let reason = format!("must be an existing segment; there is no segment {id}");
            ("segment_id", reason)
        }
    };
    Some(Violation {
        field: path + field,
        reason,
    })
}

/// The field that a rule is about, as the caller writes it, and the rule.
pub(super) fn broken_rule(rule: &BrokenRule) -> Violation {
    let field = match rule {
        BrokenRule::Contact(refusal) => format!("contact.{}", contact_field(refusal.field())),
        BrokenRule::RequestIdReused => "request_id".to_owned(),
        BrokenRule::MergedIntoItself => "merged_id".to_owned(),
        BrokenRule::TooMuchToValidate(_) => "start.validate_only".to_owned(),
    };
    Violation {
        field,
        reason: rule.to_string(),
    }
}

/// The name of a field of a contact.
pub(in crate::api) fn contact_field(field: ContactField) -> &'static str {
    match field {
        ContactField::Id => "id",
        ContactField::Kind => "kind",
        ContactField::Name => "name",
        ContactField::CompanyId => "company_id",
        ContactField::Email => "email",
        ContactField::ExcludeFromSegments => "exclude_from_segments",
        ContactField::PrivacyBlocked => "privacy_blocked",
        ContactField::Attributes => "attributes",
    }
}
