//! Makes every error of the service a gRPC status with `google.rpc` details. Codes and retry
//! delays follow from the [`Reason`].

use std::{collections::HashMap, error::Error as _, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::request_id;
use crate::{
    domain::{
        BrokenRule, ContactField, Error, Precondition, Refusal, Resource, Violation,
        selection::{SelectionError, SelectionFault, SelectionPart},
    },
    model::{self, ContactId, Reason},
};

/// The domain of every `ErrorInfo`.
pub(crate) const DOMAIN: &str = "mailinggroups";

/// The most violations of one kind that an error lists: trailers must stay below 8 KiB.
const MAX_VIOLATIONS: usize = 20;

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        log(&error);
        if let Error::Internal(_) = error {
            return internal();
        }
        let reason = reason(&error);
        let details = details(&error, reason);
        status(reason, message(&error), metadata(&error), details)
    }
}

impl From<Violation> for Status {
    fn from(violation: Violation) -> Self {
        Error::from(violation).into()
    }
}

/// An upload ended without `finish`.
pub(super) fn unfinished() -> Status {
    let message = "the upload ended without finish; what was acknowledged is committed";
    plain(Reason::UploadNotFinished, message)
}

/// The server is stopping. In a stream, everything up to the last message sent is done.
pub(crate) fn shutting_down() -> Status {
    plain(Reason::ShuttingDown, "the server is shutting down")
}

/// The server handles as many calls as it may.
pub(crate) fn overloaded() -> Status {
    plain(Reason::Overloaded, Error::Overloaded.to_string())
}

pub(crate) fn deadline_exceeded() -> Status {
    plain(Reason::DeadlineExceeded, "the deadline has passed")
}

/// A fault of the service. The log says which, under the request id that the caller gets.
pub(crate) fn internal() -> Status {
    let request_id = request_id::current().map(|id| id.to_string());
    let message = match &request_id {
        Some(id) => format!("internal error; request id {id}"),
        None => "internal error".to_owned(),
    };
    let metadata = request_id
        .map(|id| ("request_id", id))
        .into_iter()
        .collect();
    status(Reason::Internal, message, metadata, ErrorDetails::new())
}

fn plain(reason: Reason, message: impl Into<String>) -> Status {
    status(reason, message, Vec::new(), ErrorDetails::new())
}

/// The one way in which the service makes a status.
fn status(
    reason: Reason,
    message: impl Into<String>,
    metadata: Vec<(&'static str, String)>,
    mut details: ErrorDetails,
) -> Status {
    let metadata: HashMap<_, _> = metadata
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    details.set_error_info(reason.as_str(), DOMAIN, metadata);
    let (code, retry_delay) = code_and_retry_delay(reason);
    if retry_delay.is_some() {
        details.set_retry_info(retry_delay);
    }
    let mut status = Status::with_error_details(code, message, details);
    if let Some(delay) = retry_delay {
        // What the retry policies of gRPC's own clients read:
        // https://github.com/grpc/proposal/blob/master/A6-client-retries.md
        let pushback = delay.as_millis() as u64;
        status
            .metadata_mut()
            .insert("grpc-retry-pushback-ms", pushback.into());
    }
    status
}

/// The code, and when the same call may succeed without any other change.
fn code_and_retry_delay(reason: Reason) -> (Code, Option<Duration>) {
    const SECOND: Option<Duration> = Some(Duration::from_secs(1));
    match reason {
        Reason::InvalidField => (Code::InvalidArgument, None),
        Reason::MailingGroupNotFound
        | Reason::MailingGroupRenamed
        | Reason::ContactNotFound
        | Reason::SegmentNotFound
        | Reason::SavedCriteriaNotFound => (Code::NotFound, None),
        Reason::MailingGroupAlreadyExists
        | Reason::ContactAlreadyExists
        | Reason::SegmentAlreadyExists
        | Reason::SavedCriteriaAlreadyExists => (Code::AlreadyExists, None),
        Reason::MailingGroupHasMembers
        | Reason::CompanyHasPeople
        | Reason::ContactOnSegments
        | Reason::ContactKindsDiffer
        | Reason::NothingToUndo
        | Reason::UndoHistoryEnded
        | Reason::SegmentHasNoActions => (Code::FailedPrecondition, None),
        Reason::EtagMismatch | Reason::UploadNotFinished => (Code::Aborted, None),
        Reason::ImportOvertaken => (Code::Aborted, SECOND),
        Reason::HistoryPruned => (Code::OutOfRange, None),
        Reason::MailingGroupNumbersSpent
        | Reason::ContactNumbersSpent
        | Reason::SegmentNumbersSpent
        | Reason::SavedCriteriaNumbersSpent => (Code::ResourceExhausted, None),
        // UNAVAILABLE, not RESOURCE_EXHAUSTED, when overloaded: clients retry it, and the retry
        // may reach another server.
        Reason::DatabaseUnavailable | Reason::Overloaded => (Code::Unavailable, SECOND),
        // Another server is there already, or will be soon.
        Reason::ShuttingDown => (Code::Unavailable, Some(Duration::from_millis(100))),
        Reason::DeadlineExceeded => (Code::DeadlineExceeded, None),
        Reason::Internal => (Code::Internal, None),
    }
}

fn reason(error: &Error) -> Reason {
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

/// The message. For a bad field it is the field's path and what is wrong with it.
fn message(error: &Error) -> String {
    if reason(error) == Reason::InvalidField
        && let Some(Violation { field, reason }) = violation(error)
    {
        return format!("{field} {reason}");
    }
    error.to_string()
}

/// The field that an error of one field is about.
fn violation(error: &Error) -> Option<Violation> {
    match error {
        Error::InvalidStart(start) => Some(Violation {
            field: "revision".to_owned(),
            reason: start.to_string(),
        }),
        Error::Selection(error) => selection_violation(error),
        Error::BrokenRule(rule) => Some(broken_rule(rule)),
        Error::NotFound { .. }
        | Error::Invalid(_)
        | Error::UnknownContacts(_)
        | Error::AlreadyExists { .. }
        | Error::Precondition(_)
        | Error::Stale { .. }
        | Error::ImportOvertaken(_)
        | Error::HistoryPruned { .. }
        | Error::Full(_)
        | Error::Unavailable(_)
        | Error::Overloaded
        | Error::Internal(_) => None,
    }
}

/// The field that holds an invalid selection.
fn selection_violation(SelectionError { part, fault }: &SelectionError) -> Option<Violation> {
    let path = match part {
        SelectionPart::Request => String::new(),
        SelectionPart::From => "from.".to_owned(),
        SelectionPart::To => "to.".to_owned(),
        SelectionPart::SavedAction(at) => format!("actions[{at}]."),
    };
    let (field, reason) = match fault {
        SelectionFault::UnknownOperand {
            resource,
            name,
            position,
            ..
        } => {
            let reason = format!("at position {position}: there is no {resource} {name}");
            ("expression", reason)
        }
        SelectionFault::NotACompany { .. } => ("expression", fault.to_string()),
        // The resource info names it already.
        SelectionFault::UnknownSegment(_) if *part == SelectionPart::Request => return None,
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

/// What an error is about that was not found, and the present code of a renamed group.
fn missing(error: &Error) -> Option<(Resource, String, Option<String>)> {
    let renamed = |code: &Option<model::Code>| code.as_ref().map(ToString::to_string);
    match error {
        Error::NotFound {
            resource,
            name,
            renamed_to,
            ..
        }
        | Error::Selection(SelectionError {
            fault:
                SelectionFault::UnknownOperand {
                    resource,
                    name,
                    renamed_to,
                    ..
                },
            ..
        }) => Some((*resource, name.clone(), renamed(renamed_to))),
        Error::Selection(SelectionError {
            fault: SelectionFault::UnknownSegment(id),
            ..
        }) => Some((Resource::Segment, id.to_string(), None)),
        Error::Selection(SelectionError {
            fault: SelectionFault::NotACompany { .. },
            ..
        })
        | Error::Invalid(_)
        | Error::InvalidStart(_)
        | Error::BrokenRule(_)
        | Error::UnknownContacts(_)
        | Error::AlreadyExists { .. }
        | Error::Precondition(_)
        | Error::Stale { .. }
        | Error::ImportOvertaken(_)
        | Error::HistoryPruned { .. }
        | Error::Full(_)
        | Error::Unavailable(_)
        | Error::Overloaded
        | Error::Internal(_) => None,
    }
}

/// The metadata of the `ErrorInfo`.
fn metadata(error: &Error) -> Vec<(&'static str, String)> {
    if let Some((_, name, renamed_to)) = missing(error) {
        let renamed_to = renamed_to.map(|code| ("renamed_to", code));
        return renamed_to.into_iter().chain([("name", name)]).collect();
    }
    match error {
        Error::UnknownContacts(unknown) => vec![
            ("name", unknown[0].1.to_string()),
            ("count", unknown.len().to_string()),
        ],
        Error::AlreadyExists { name, .. } | Error::Stale { name, .. } => {
            vec![("name", name.clone())]
        }
        Error::Precondition(precondition) => {
            let (name, count) = subject(precondition);
            let count = count.map(|count| ("count", count.to_string()));
            count.into_iter().chain([("name", name)]).collect()
        }
        Error::ImportOvertaken(id) => vec![("import_id", id.to_string())],
        Error::HistoryPruned { oldest } => vec![("oldest_revision", oldest.to_string())],
        Error::BrokenRule(BrokenRule::Contact(Refusal::UnknownCompany(id))) => {
            vec![("name", id.to_string())]
        }
        Error::NotFound { .. }
        | Error::Selection(_)
        | Error::Invalid(_)
        | Error::InvalidStart(_)
        | Error::BrokenRule(_)
        | Error::Full(_)
        | Error::Unavailable(_)
        | Error::Overloaded
        | Error::Internal(_) => Vec::new(),
    }
}

/// The field that a rule is about, as the caller writes it, and the rule.
fn broken_rule(rule: &BrokenRule) -> Violation {
    let field = match rule {
        BrokenRule::Contact(refusal) => format!("contact.{}", contact_field(refusal.field())),
        BrokenRule::RequestIdReused => "request_id".to_owned(),
        BrokenRule::MergedIntoItself => "merged_id".to_owned(),
        BrokenRule::ImportKindDiffers => "start.import_id".to_owned(),
    };
    Violation {
        field,
        reason: rule.to_string(),
    }
}

/// The name of a field of a contact.
pub(super) fn contact_field(field: ContactField) -> &'static str {
    match field {
        ContactField::Id => "id",
        ContactField::Kind => "kind",
        ContactField::CompanyId => "company_id",
    }
}

/// The details besides `ErrorInfo` and `RetryInfo`.
fn details(error: &Error, reason: Reason) -> ErrorDetails {
    let mut details = ErrorDetails::new();
    match error {
        Error::Invalid(violations) => add_violations(&mut details, violations),
        Error::BrokenRule(rule) => {
            if let BrokenRule::Contact(Refusal::UnknownCompany(id)) = rule {
                let text = format!("no contact {id}");
                details.set_resource_info(type_of(Resource::Contact), id.to_string(), "", text);
            }
            add_violations(&mut details, &[broken_rule(rule)]);
        }
        Error::NotFound { .. } | Error::Selection(_) | Error::InvalidStart(_) => {
            if let Some((resource, name, _)) = missing(error) {
                details.set_resource_info(type_of(resource), name, "", error.to_string());
            }
            add_violations(&mut details, &violation(error));
        }
        Error::UnknownContacts(unknown) => add_unknown_contacts(&mut details, error, unknown),
        Error::AlreadyExists { resource, name } | Error::Stale { resource, name } => {
            details.set_resource_info(type_of(*resource), name, "", error.to_string());
        }
        Error::Precondition(precondition) => add_unmet(&mut details, reason, precondition),
        Error::Full(resource) => {
            details.add_quota_failure_violation(type_of(*resource), error.to_string());
        }
        Error::ImportOvertaken(_)
        | Error::HistoryPruned { .. }
        | Error::Unavailable(_)
        | Error::Overloaded
        | Error::Internal(_) => {}
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

fn add_unknown_contacts(details: &mut ErrorDetails, error: &Error, unknown: &[(usize, ContactId)]) {
    let first = unknown[0].1.to_string();
    details.set_resource_info(type_of(Resource::Contact), first, "", error.to_string());
    for (at, id) in unknown.iter().take(MAX_VIOLATIONS) {
        let reason = format!("must be an existing contact; there is no contact {id}");
        details.add_bad_request_violation(format!("contact_ids[{at}]"), reason);
    }
}

fn add_unmet(details: &mut ErrorDetails, reason: Reason, precondition: &Precondition) {
    let reason = reason.as_str();
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
    }
}

fn type_of(resource: Resource) -> &'static str {
    match resource {
        Resource::MailingGroup => "mailinggroups.v1.MailingGroup",
        Resource::Contact => "mailinggroups.v1.Contact",
        Resource::Segment => "mailinggroups.v1.Segment",
        Resource::SavedCriteria => "mailinggroups.v1.SavedCriteria",
    }
}

/// Logs what the caller does not see. Causes come from the database driver, whose messages name
/// constraints and states, not values.
fn log(error: &Error) {
    let cause = error.source().map(ToString::to_string);
    if let Error::Internal(_) = error {
        tracing::error!(cause, "internal error");
    } else if let Error::Unavailable(_) = error {
        tracing::warn!(cause, "database not available");
    }
}
