//! Converts every error of the service to a gRPC status with `google.rpc` details. The code and the
//! retry delay follow from the [`ErrorReason`].

mod details;
mod fields;
mod reason;
mod refusals;
mod tenant_limits;
mod transcoding;

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status, metadata::MetadataValue};
use tonic_types::{ErrorDetails, StatusExt};

pub(super) use self::fields::contact_field;
use self::{
    details::{details, metadata},
    fields::message,
    reason::{reason_name, reason_of},
};
pub(crate) use self::{
    refusals::count_from_now,
    tenant_limits::{TenantLimit, tenant_exceeds},
    transcoding::{cut_off, invalid_field, malformed, too_large, unknown_compression, unsent},
};
use super::request_id;
use crate::{
    domain::{Error, Violation},
    pb::ErrorReason,
    telemetry::{self, causes},
};

/// The domain of every `ErrorInfo`.
pub(crate) const DOMAIN: &str = "mailinggroups";

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        log(&error);
        if let Error::Internal(_) = error {
            return internal();
        }
        let reason = reason_of(&error);
        let details = details(&error, reason);
        let status = status(reason, message(&error), metadata(&error), details);
        match error {
            // The name is known, though only as a former one.
            Error::FormerName { .. } => with_code(Code::AlreadyExists, status),
            _ => status,
        }
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
    plain(ErrorReason::UploadNotFinished, message)
}

/// The server is stopping. In a stream, everything up to the last message sent is done.
pub(crate) fn shutting_down() -> Status {
    Error::ShuttingDown.into()
}

/// The server handles as many calls as it may; the call can come again after `delay`.
pub(crate) fn overloaded(delay: Duration) -> Status {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(delay));
    let message = Error::Overloaded.to_string();
    status(ErrorReason::Overloaded, message, Vec::new(), details)
}

/// There is no memory for the request now.
pub(crate) fn no_memory() -> Status {
    plain(ErrorReason::Overloaded, Error::Overloaded.to_string())
}

pub(crate) fn deadline_exceeded() -> Status {
    plain(ErrorReason::DeadlineExceeded, "the deadline has passed")
}

/// The caller does not read.
pub(crate) fn unread() -> Status {
    let message = "the answers were not read in time; continue where the last one ended";
    plain(ErrorReason::DeadlineExceeded, message)
}

/// A call that takes one message got more.
pub(crate) fn several_messages() -> Status {
    plain(
        ErrorReason::InvalidArgument,
        "the call takes one message; it has several",
    )
}

/// It is not known who calls.
pub(crate) fn unauthenticated(reason: ErrorReason, message: impl Into<String>) -> Status {
    let mut status = plain(reason, message);
    let scheme = MetadataValue::from_static("Bearer");
    status.metadata_mut().insert("www-authenticate", scheme);
    status
}

/// It cannot be found out who calls.
pub(crate) fn no_keys() -> Status {
    let message = "the keys of the token's issuer could not be fetched yet";
    plain(ErrorReason::KeysUnavailable, message)
}

/// The caller may not do this.
pub(super) fn denied(
    reason: ErrorReason,
    message: String,
    metadata: (&'static str, String),
) -> Status {
    status(reason, message, vec![metadata], ErrorDetails::new())
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
    status(
        ErrorReason::Internal,
        message,
        metadata,
        ErrorDetails::new(),
    )
}

fn plain(reason: ErrorReason, message: impl Into<String>) -> Status {
    status(reason, message, Vec::new(), ErrorDetails::new())
}

/// The one way in which the service makes a status.
fn status(
    reason: ErrorReason,
    message: impl Into<String>,
    metadata: Vec<(&'static str, String)>,
    mut details: ErrorDetails,
) -> Status {
    let metadata: HashMap<_, _> = metadata
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    details.set_error_info(reason_name(reason), DOMAIN, metadata);
    refusals::count(reason);
    let (code, retry_delay) = code_and_retry_delay(reason);
    let own_delay = details.retry_info().and_then(|info| info.retry_delay);
    let retry_delay = own_delay.or(retry_delay).map(spread);
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

/// Between a half and one and a half of a delay: calls that were refused together do not come together
/// again.
fn spread(delay: Duration) -> Duration {
    let spread = delay.mul_f64(0.5 + fastrand::f64());
    Duration::from_millis(spread.as_millis() as u64)
}

fn with_code(code: Code, status: Status) -> Status {
    let details = status.get_error_details();
    Status::with_error_details(code, status.message(), details)
}

/// The code, and when the same call may succeed without any other change.
fn code_and_retry_delay(reason: ErrorReason) -> (Code, Option<Duration>) {
    const SECOND: Option<Duration> = Some(Duration::from_secs(1));
    match reason {
        ErrorReason::InvalidField | ErrorReason::InvalidArgument => (Code::InvalidArgument, None),
        ErrorReason::NotFound
        | ErrorReason::MailingGroupNotFound
        | ErrorReason::MailingGroupRenamed
        | ErrorReason::ContactNotFound
        | ErrorReason::ContactMerged
        | ErrorReason::SegmentNotFound
        | ErrorReason::SavedCriteriaNotFound
        | ErrorReason::SegmentActionNotFound
        | ErrorReason::TenantNotFound => (Code::NotFound, None),
        ErrorReason::MailingGroupAlreadyExists
        | ErrorReason::ContactAlreadyExists
        | ErrorReason::SegmentAlreadyExists
        | ErrorReason::SavedCriteriaAlreadyExists
        | ErrorReason::TenantAlreadyExists => (Code::AlreadyExists, None),
        ErrorReason::MailingGroupHasMembers
        | ErrorReason::CompanyHasPersons
        | ErrorReason::ContactOnSegments
        | ErrorReason::ContactKindsDiffer
        | ErrorReason::ContactAttributesExceeded
        | ErrorReason::NothingToUndo
        | ErrorReason::UndoHistoryEnded
        | ErrorReason::SegmentHasNoActions
        | ErrorReason::ImportIdReused => (Code::FailedPrecondition, None),
        ErrorReason::EtagMismatch
        | ErrorReason::UploadNotFinished
        | ErrorReason::HistoryReplaced => (Code::Aborted, None),
        ErrorReason::ImportOvertaken => (Code::Aborted, SECOND),
        ErrorReason::HistoryPruned => (Code::OutOfRange, None),
        ErrorReason::ResourceExhausted
        | ErrorReason::MailingGroupNumbersSpent
        | ErrorReason::ContactNumbersSpent
        | ErrorReason::SegmentNumbersSpent
        | ErrorReason::SavedCriteriaNumbersSpent
        | ErrorReason::TenantLimitReached
        | ErrorReason::RateLimited
        | ErrorReason::DatabaseFull => (Code::ResourceExhausted, None),
        // UNAVAILABLE, not RESOURCE_EXHAUSTED, when overloaded: clients retry it, and the retry
        // may reach another server.
        ErrorReason::DatabaseUnavailable
        | ErrorReason::Overloaded
        | ErrorReason::KeysUnavailable => (Code::Unavailable, SECOND),
        // Only calls that may be repeated bring a delay of their own.
        ErrorReason::CommitOutcomeUnknown => (Code::Unavailable, None),
        // Another server is there already, or will be soon.
        ErrorReason::ShuttingDown => (Code::Unavailable, Some(Duration::from_millis(100))),
        ErrorReason::DeadlineExceeded => (Code::DeadlineExceeded, None),
        ErrorReason::CredentialsMissing
        | ErrorReason::CredentialsInvalid
        | ErrorReason::TokenExpired
        | ErrorReason::TokenNotYetValid => (Code::Unauthenticated, None),
        ErrorReason::AccessDenied | ErrorReason::TenantNotGranted => (Code::PermissionDenied, None),
        ErrorReason::Unimplemented => (Code::Unimplemented, None),
        ErrorReason::Cancelled => (Code::Cancelled, None),
        ErrorReason::Internal | ErrorReason::Unspecified => (Code::Internal, None),
    }
}

/// Logs what the caller does not see. Causes come from the database driver, whose messages name
/// constraints and states, not values. One line a second stands for all of one cause.
fn log(error: &Error) {
    macro_rules! line {
        ($level:ident, $text:literal) => {{
            let cause = causes(error);
            let kind = format!("{}: {cause:?}", $text);
            if let Some(due) = telemetry::due_line(&kind, 0) {
                tracing::$level!(cause, left_out = due.left_out, $text);
            }
        }};
    }
    if let Error::Internal(_) = error {
        line!(error, "internal error");
    } else if let Error::Unavailable(_) = error {
        line!(warn, "database not available");
    } else if let Error::DatabaseFull(_) = error {
        line!(warn, "database full");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::grpc_code_name;

    #[test]
    fn the_documentation_lists_each_reason_with_its_code() {
        let rows = include_str!("../../docs/errors.md").lines();
        let rows: Vec<Vec<&str>> = rows
            .filter(|line| line.starts_with('|'))
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        for reason in (1..).map_while(|number| ErrorReason::try_from(number).ok()) {
            let (code, _) = code_and_retry_delay(reason);
            let cell = |text: &str| format!("`{text}`");
            let name = cell(reason_name(reason));
            let listed = rows.iter().filter(|row| row[3].contains(&name));
            let codes: Vec<&str> = listed.map(|row| row[2]).collect();
            assert_eq!(codes, [cell(grpc_code_name(code as i32))], "{name}");
        }
        // The first two rows are the head of the table.
        for name in rows[2..].iter().flat_map(|row| row[3].split(' ')) {
            let value = format!("ERROR_REASON_{}", name.trim_matches('`'));
            assert!(ErrorReason::from_str_name(&value).is_some(), "{name}");
        }
    }
}
