//! The `google.rpc` details of errors.

use std::time::Duration;

use tonic_types::ErrorDetails;

use super::{
    fields::{broken_rule, violation},
    reason::reason_name,
};
use crate::{
    domain::{
        BrokenRule, Error, Precondition, Refusal, Resource, UnknownContact, Violation,
        selection::{SelectionError, SelectionFault},
    },
    pb::ErrorReason,
};

/// The most violations of one kind that an error lists: trailers must stay below 8 KiB.
const MAX_VIOLATIONS: usize = 20;

/// The metadata of the `ErrorInfo`.
pub(super) fn metadata(error: &Error) -> Vec<(&'static str, String)> {
    if let Some(missing) = missing(error) {
        return missing.metadata();
    }
    match error {
        Error::AlreadyExists { name, .. } | Error::Stale { name, .. } => {
            vec![("name", name.clone())]
        }
        Error::Precondition(precondition) => {
            let (name, count) = subject(precondition);
            let count = count.map(|count| ("count", count.to_string()));
            count.into_iter().chain([("name", name)]).collect()
        }
        Error::ImportOvertaken(id) => vec![("import_id", id.to_string())],
        Error::LimitReached { resource, max } => vec![
            ("limit", limit_of(*resource).to_owned()),
            ("maximum", max.to_string()),
        ],
        Error::HistoryPruned { oldest } => vec![("oldest_revision", oldest.to_string())],
        Error::NotFound { .. }
        | Error::FormerName { .. }
        | Error::UnknownContacts(_)
        | Error::Selection(_)
        | Error::Invalid(_)
        | Error::InvalidStart(_)
        | Error::BrokenRule(_)
        | Error::NumbersExhausted(_)
        | Error::DeletedSince(_)
        | Error::HistoryReplaced
        | Error::CommitOutcomeUnknown { .. }
        | Error::Unavailable(_)
        | Error::DatabaseFull(_)
        | Error::Contended
        | Error::ShuttingDown
        | Error::Overloaded
        | Error::Internal(_) => Vec::new(),
    }
}

/// What an error is about that was not found.
struct Missing {
    resource: Resource,
    name: String,
    /// The name to use instead, if `name` is a former one.
    current: Option<String>,
    /// How many are missing.
    count: Option<usize>,
}

impl Missing {
    fn metadata(self) -> Vec<(&'static str, String)> {
        let mut metadata = vec![("name", self.name.clone())];
        metadata.extend(self.count.map(|count| ("count", count.to_string())));
        if let Some(current) = self.current {
            metadata.extend([("former", self.name), ("current", current)]);
        }
        metadata
    }
}

fn missing(error: &Error) -> Option<Missing> {
    let missing = |resource, name: String, current: Option<String>| Missing {
        resource,
        name,
        current,
        count: None,
    };
    match error {
        Error::NotFound {
            resource,
            name,
            current,
        }
        | Error::Selection(SelectionError {
            fault:
                SelectionFault::UnknownOperand {
                    resource,
                    name,
                    current,
                    ..
                },
            ..
        }) => Some(missing(*resource, name.clone(), current.clone())),
        Error::FormerName {
            resource,
            name,
            current,
        } => Some(missing(*resource, name.clone(), Some(current.clone()))),
        Error::Selection(SelectionError {
            fault: SelectionFault::UnknownSegment(id),
            ..
        }) => Some(missing(Resource::Segment, id.to_string(), None)),
        Error::BrokenRule(BrokenRule::Contact(Refusal::UnknownCompany { id, merged_into })) => {
            let current = merged_into.as_ref().map(ToString::to_string);
            Some(missing(Resource::Contact, id.to_string(), current))
        }
        Error::UnknownContacts(unknown) => {
            let first = self::missing(&unknown[0].error())?;
            let count = Some(unknown.len());
            Some(Missing { count, ..first })
        }
        Error::Selection(SelectionError {
            fault: SelectionFault::NotACompany { .. } | SelectionFault::TooManyGroups { .. },
            ..
        })
        | Error::Invalid(_)
        | Error::InvalidStart(_)
        | Error::BrokenRule(_)
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

/// The details besides `ErrorInfo` and `RetryInfo`.
pub(super) fn details(error: &Error, reason: ErrorReason) -> ErrorDetails {
    let mut details = ErrorDetails::new();
    match error {
        Error::Invalid(violations) => add_violations(&mut details, violations),
        Error::BrokenRule(rule) => {
            if let Some(missing) = missing(error) {
                let text = format!("no contact {}", missing.name);
                details.set_resource_info(type_of(missing.resource), missing.name, "", text);
            }
            add_violations(&mut details, &[broken_rule(rule)]);
        }
        Error::NotFound { .. }
        | Error::FormerName { .. }
        | Error::Selection(_)
        | Error::InvalidStart(_) => {
            if let Some(Missing { resource, name, .. }) = missing(error) {
                details.set_resource_info(type_of(resource), name, "", error.to_string());
            }
            add_violations(&mut details, &violation(error));
        }
        Error::UnknownContacts(unknown) => add_unknown_contacts(&mut details, error, unknown),
        Error::AlreadyExists { resource, name } | Error::Stale { resource, name } => {
            details.set_resource_info(type_of(*resource), name, "", error.to_string());
        }
        Error::Precondition(precondition) => add_unmet(&mut details, reason, precondition),
        Error::NumbersExhausted(resource) | Error::LimitReached { resource, .. } => {
            details.add_quota_failure_violation(type_of(*resource), error.to_string());
        }
        Error::ImportOvertaken(_)
        | Error::HistoryPruned { .. }
        | Error::DeletedSince(_)
        | Error::HistoryReplaced
        | Error::CommitOutcomeUnknown { repeatable: false }
        | Error::Unavailable(_)
        | Error::DatabaseFull(_)
        | Error::Contended
        | Error::ShuttingDown
        | Error::Overloaded
        | Error::Internal(_) => {}
        Error::CommitOutcomeUnknown { repeatable: true } => {
            details.set_retry_info(Some(Duration::from_secs(1)));
        }
    }
    details
}

fn add_violations<'v>(
    details: &mut ErrorDetails,
    violations: impl IntoIterator<Item = &'v Violation>,
) {
    for violation in violations.into_iter().take(MAX_VIOLATIONS) {
        details.add_bad_request_violation(&violation.field, &violation.reason);
    }
}

fn add_unknown_contacts(details: &mut ErrorDetails, error: &Error, unknown: &[UnknownContact]) {
    let first = unknown[0].id.to_string();
    details.set_resource_info(type_of(Resource::Contact), first, "", error.to_string());
    for it @ UnknownContact { at, .. } in unknown.iter().take(MAX_VIOLATIONS) {
        let reason = format!("must be an existing contact; there is {}", it.error());
        details.add_bad_request_violation(format!("contact_ids[{at}]"), reason);
    }
}

fn add_unmet(details: &mut ErrorDetails, reason: ErrorReason, precondition: &Precondition) {
    let reason = reason_name(reason);
    if let Precondition::ContactOnSegments { id, segments, .. } = precondition {
        for segment in segments {
            let text = format!("contact {id} is on segment {segment}");
            details.add_precondition_failure_violation(reason, segment.as_str(), text);
        }
        return;
    }
    let (subject, _) = subject(precondition);
    details.add_precondition_failure_violation(reason, subject, precondition.to_string());
}

/// What the precondition is about, and the number that violates it.
fn subject(precondition: &Precondition) -> (String, Option<i64>) {
    match precondition {
        Precondition::GroupHasMembers { code, count } => (code.to_string(), Some(*count)),
        Precondition::CompanyHasPeople { id, count }
        | Precondition::ContactOnSegments { id, count, .. } => (id.to_string(), Some(*count)),
        Precondition::NothingToUndo(id)
        | Precondition::UndoHistoryEnded(id)
        | Precondition::NoActions(id) => (id.to_string(), None),
        Precondition::DifferentKinds { merged, .. } => (merged.to_string(), None),
        Precondition::TooManyAttributes { merged, count, .. } => {
            (merged.to_string(), i64::try_from(*count).ok())
        }
        Precondition::ImportIdReused { id, .. } => (id.to_string(), None),
    }
}

fn type_of(resource: Resource) -> &'static str {
    match resource {
        Resource::MailingGroup => "mailinggroups.v1.MailingGroup",
        Resource::Contact => "mailinggroups.v1.Contact",
        Resource::Segment => "mailinggroups.v1.Segment",
        Resource::SavedCriteria => "mailinggroups.v1.SavedCriteria",
        Resource::SegmentAction => "mailinggroups.v1.SegmentAction",
        Resource::Tenant => "mailinggroups.v1.Tenant",
    }
}

/// The limit of a tenant for these; empty if there is none.
fn limit_of(resource: Resource) -> &'static str {
    match resource {
        Resource::Contact => "max_contacts",
        Resource::MailingGroup => "max_mailing_groups",
        Resource::Segment => "max_segments",
        Resource::SavedCriteria | Resource::SegmentAction | Resource::Tenant => "",
    }
}
