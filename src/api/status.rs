//! Converts every error of the service to a gRPC status with `google.rpc` details. The code and the
//! retry delay follow from the [`Reason`].

mod details;
mod fields;
mod reason;

use std::{collections::HashMap, error::Error as _, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

pub(super) use self::fields::contact_field;
use self::{
    details::{details, metadata},
    fields::message,
    reason::reason_of,
};
use super::request_id;
use crate::{
    domain::{Error, Violation},
    model::Reason,
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
