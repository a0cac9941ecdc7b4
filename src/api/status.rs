//! The one way in which errors leave: as a status with `google.rpc` details.

use std::{collections::HashMap, error::Error as _, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::request_id;
use crate::{
    domain::{Error, Precondition, Resource, Violation},
    model::ContactId,
};

/// The domain of every `ErrorInfo`.
pub(super) const DOMAIN: &str = "mailinggroups";

/// When to try again after the database was away, or too much was asked of the service.
const RETRY_DELAY: Duration = Duration::from_secs(1);

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        log(&error);
        let (code, details) = describe(&error);
        let message = match &error {
            Error::Internal(_) => internal_message(),
            error => error.to_string(),
        };
        Self::with_error_details(code, message, details)
    }
}

impl From<Violation> for Status {
    fn from(violation: Violation) -> Self {
        Error::from(violation).into()
    }
}

/// The server is stopping; everything up to the last message sent is done.
pub(super) fn draining() -> Status {
    let mut details = info("DRAINING", []);
    details.set_retry_info(Some(RETRY_DELAY));
    Status::with_error_details(Code::Unavailable, "the server is stopping", details)
}

/// An upload ended without `finish`.
pub(super) fn unfinished() -> Status {
    let message = "the upload ended without finish; what was acknowledged is committed";
    Status::with_error_details(Code::Aborted, message, info("UPLOAD_NOT_FINISHED", []))
}

fn describe(error: &Error) -> (Code, ErrorDetails) {
    match error {
        Error::Invalid(violations) => {
            let mut details = info("INVALID_FIELD", []);
            for violation in violations.iter().take(20) {
                details.add_bad_request_violation(&violation.field, &violation.reason);
            }
            (Code::InvalidArgument, details)
        }
        Error::NotFound {
            resource,
            name,
            renamed_to,
            violation,
        } => {
            let mut details = info(&format!("{}_NOT_FOUND", upper(*resource)), [("name", name)]);
            if let Some(code) = renamed_to {
                let mut metadata = HashMap::new();
                metadata.insert("name".to_owned(), name.clone());
                metadata.insert("renamed_to".to_owned(), code.to_string());
                details.set_error_info("MAILING_GROUP_RENAMED", DOMAIN, metadata);
            }
            details.set_resource_info(type_of(*resource), name, "", error.to_string());
            if let Some(violation) = violation {
                details.add_bad_request_violation(&violation.field, &violation.reason);
            }
            (Code::NotFound, details)
        }
        Error::UnknownContacts(unknown) => (Code::NotFound, unknown_contacts(error, unknown)),
        Error::AlreadyExists { resource, name } => {
            let reason = format!("{}_ALREADY_EXISTS", upper(*resource));
            let mut details = info(&reason, [("name", name)]);
            details.set_resource_info(type_of(*resource), name, "", error.to_string());
            (Code::AlreadyExists, details)
        }
        Error::Precondition(precondition) => (Code::FailedPrecondition, unmet(precondition)),
        Error::Stale { resource, name } => {
            let mut details = info("ETAG_MISMATCH", [("name", name)]);
            details.set_resource_info(type_of(*resource), name, "", error.to_string());
            (Code::Aborted, details)
        }
        Error::ImportOvertaken(id) => {
            let mut details = info("IMPORT_OVERTAKEN", [("import_id", &id.to_string())]);
            details.set_retry_info(Some(RETRY_DELAY));
            (Code::Aborted, details)
        }
        Error::HistoryPruned { oldest } => {
            let oldest = oldest.to_string();
            let details = info("HISTORY_PRUNED", [("oldest_revision", &oldest)]);
            (Code::OutOfRange, details)
        }
        Error::Full(resource) => {
            let reason = format!("{}_NUMBERS_SPENT", upper(*resource));
            let mut details = info(&reason, []);
            details.add_quota_failure_violation(type_of(*resource), error.to_string());
            (Code::ResourceExhausted, details)
        }
        Error::Unavailable(_) => {
            let mut details = info("DATABASE_UNAVAILABLE", []);
            details.set_retry_info(Some(RETRY_DELAY));
            (Code::Unavailable, details)
        }
        Error::Overloaded => {
            let mut details = info("OVERLOADED", []);
            details.set_retry_info(Some(RETRY_DELAY));
            (Code::Unavailable, details)
        }
        Error::Internal(_) => {
            let id = request_id::current()
                .map(|id| id.to_string())
                .unwrap_or_default();
            (Code::Internal, info("INTERNAL", [("request_id", &id)]))
        }
    }
}

fn unknown_contacts(error: &Error, unknown: &[(usize, ContactId)]) -> ErrorDetails {
    let (first, count) = (unknown[0].1.to_string(), unknown.len().to_string());
    let metadata = [("name", &first), ("count", &count)];
    let mut details = info("CONTACT_NOT_FOUND", metadata);
    details.set_resource_info(type_of(Resource::Contact), &first, "", error.to_string());
    for (at, id) in unknown.iter().take(20) {
        let reason = format!("must be an existing contact; there is no contact {id}");
        details.add_bad_request_violation(format!("contact_ids[{at}]"), reason);
    }
    details
}

fn unmet(precondition: &Precondition) -> ErrorDetails {
    let (reason, subject, count) = match precondition {
        Precondition::GroupHasMembers { code, count } => {
            ("MAILING_GROUP_HAS_MEMBERS", code.to_string(), Some(*count))
        }
        Precondition::CompanyHasPeople { id, count } => {
            ("COMPANY_HAS_PEOPLE", id.to_string(), Some(*count))
        }
        Precondition::ContactOnSegments { id, count, .. } => {
            ("CONTACT_ON_SEGMENTS", id.to_string(), Some(*count))
        }
        Precondition::NothingToUndo(id) => ("NOTHING_TO_UNDO", id.to_string(), None),
        Precondition::UndoHistoryEnded(id) => ("UNDO_HISTORY_ENDED", id.to_string(), None),
        Precondition::NoActions(id) => ("SEGMENT_HAS_NO_ACTIONS", id.to_string(), None),
        Precondition::DifferentKinds { merged, .. } => {
            ("CONTACT_KINDS_DIFFER", merged.to_string(), None)
        }
    };
    let count = count.map(|count| count.to_string()).unwrap_or_default();
    let mut details = info(reason, [("name", &subject), ("count", &count)]);
    if let Precondition::ContactOnSegments { segments, .. } = precondition {
        for segment in segments {
            let text = format!("contact {subject} is on segment {segment}");
            details.add_precondition_failure_violation(reason, segment.as_str(), text);
        }
        return details;
    }
    details.add_precondition_failure_violation(reason, subject, precondition.to_string());
    details
}

fn info<const N: usize>(reason: &str, metadata: [(&str, &String); N]) -> ErrorDetails {
    let known = metadata.into_iter().filter(|(_, value)| !value.is_empty());
    let metadata: HashMap<_, _> = known
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    ErrorDetails::with_error_info(reason, DOMAIN, metadata)
}

fn type_of(resource: Resource) -> &'static str {
    match resource {
        Resource::MailingGroup => "mailinggroups.v1.MailingGroup",
        Resource::Contact => "mailinggroups.v1.Contact",
        Resource::Segment => "mailinggroups.v1.Segment",
        Resource::SavedCriteria => "mailinggroups.v1.SavedCriteria",
    }
}

fn upper(resource: Resource) -> String {
    resource.to_string().replace(' ', "_").to_uppercase()
}

fn internal_message() -> String {
    match request_id::current() {
        Some(id) => format!("internal error; request id {id}"),
        None => "internal error".to_owned(),
    }
}

/// Logs what the caller is not told. Causes come from the database driver, whose messages name
/// constraints and states, not values.
fn log(error: &Error) {
    let cause = error.source().map(ToString::to_string);
    match error {
        Error::Internal(_) => tracing::error!(cause, "internal error"),
        Error::Unavailable(_) => tracing::warn!(cause, "database not available"),
        _ => {}
    }
}
