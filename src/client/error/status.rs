//! A gRPC status as text: code, message, and every detail that says more than the message.

use std::{error::Error, io, time::Duration};

use tonic::{Code, Status, TimeoutExpired};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::duration::human;

/// `NOT_FOUND: no mailing group SSXX (expression)`, with a further line for each detail that the
/// message does not tell already.
pub(in crate::client) fn describe(status: &Status) -> String {
    if let Some(source) = status.source() {
        return broken(source);
    }
    let details = status.get_error_details();
    let violations = violations(&details);
    let message = headline(status.message(), violations);
    let (told, untold): (Vec<_>, Vec<_>) = violations
        .iter()
        .partition(|violation| message.contains(&violation.description));
    let mut text = code(status.code()).to_owned();
    if !message.is_empty() {
        text += &format!(": {message}");
    }
    let fields: Vec<_> = told.iter().map(|it| it.field.as_str()).collect();
    if fields.iter().any(|field| !message.contains(field)) {
        text += &format!(" ({})", fields.join(", "));
    }
    let more = untold.into_iter().map(field_and_reason);
    for line in more
        .chain(others(&details, message))
        .chain(request_id(status, &details))
    {
        text += "\n  ";
        text += &line;
    }
    text
}

/// The message, or the one violation that says the same and more, such as where.
fn headline<'a>(message: &'a str, violations: &'a [FieldViolation]) -> &'a str {
    match violations {
        [only] if only.description.contains(message) => &only.description,
        _ => message,
    }
}

/// Why no connection came about. Where nothing listens, what to do about it.
pub(in crate::client) fn unreachable(endpoint: &str, source: &(dyn Error + 'static)) -> String {
    let refused = |cause: &io::Error| cause.kind() == io::ErrorKind::ConnectionRefused;
    let causes = chain(source).filter_map(<dyn Error>::downcast_ref::<io::Error>);
    match causes.into_iter().any(refused) {
        true => format!(
            "cannot reach {endpoint}: is the service running? Start it with \"make run\" or pass \
             --endpoint"
        ),
        false => format!("cannot reach {endpoint}: {}", root(source)),
    }
}

/// The fields and reasons of a refused request on one line, for a rejected row.
pub(in crate::client) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let reasons: Vec<_> = violations(&details).iter().map(field_and_reason).collect();
    match reasons.is_empty() {
        true => status.message().to_owned(),
        false => reasons.join("; "),
    }
}

/// The innermost cause of an error: the one that says what happened.
fn root(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

fn broken(source: &(dyn Error + 'static)) -> String {
    if chain(source).any(<dyn Error>::is::<TimeoutExpired>) {
        return "no answer in time (--timeout)".to_owned();
    }
    format!("the connection to the service broke: {}", root(source))
}

fn violations(details: &ErrorDetails) -> &[FieldViolation] {
    details.bad_request().map_or(&[], |it| &it.field_violations)
}

fn field_and_reason(violation: &FieldViolation) -> String {
    format!("{}: {}", violation.field, violation.description)
}

/// What the other details say beyond the message.
fn others(details: &ErrorDetails, message: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for it in details
        .precondition_failure()
        .iter()
        .flat_map(|it| &it.violations)
    {
        if !message.contains(&it.description) {
            lines.push(format!("{}: {}", it.subject, it.description));
        }
    }
    for it in details.quota_failure().iter().flat_map(|it| &it.violations) {
        lines.push(format!("{}: {}", it.subject, it.description));
    }
    let metadata = details.error_info().into_iter().flat_map(|it| &it.metadata);
    let mut metadata: Vec<_> = metadata
        .filter(|(key, value)| *key != "request_id" && !message.contains(value.as_str()))
        .map(|(key, value)| format!("{key}: {value}"))
        .collect();
    metadata.sort();
    lines.append(&mut metadata);
    let delay = details.retry_info().and_then(|it| it.retry_delay);
    lines.extend(
        delay
            .filter(|it| *it > Duration::ZERO)
            .map(|it| format!("try again in {}", human(it))),
    );
    lines
}

fn request_id(status: &Status, details: &ErrorDetails) -> Option<String> {
    let header = status
        .metadata()
        .get("x-request-id")
        .and_then(|it| it.to_str().ok());
    let named = || {
        details
            .error_info()?
            .metadata
            .get("request_id")
            .map(String::as_str)
    };
    let id = header
        .or_else(|| details.request_info().map(|it| it.request_id.as_str()))
        .or_else(named)?;
    Some(format!("request id: {id}"))
}

/// The code as gRPC's documents write it.
fn code(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_that_the_message_tells_is_only_named() {
        let details =
            ErrorDetails::with_bad_request_violation("expression", "no mailing group SSXX");
        let status = Status::with_error_details(Code::NotFound, "no mailing group SSXX", details);
        assert_eq!(
            describe(&status),
            "NOT_FOUND: no mailing group SSXX (expression)"
        );
    }

    #[test]
    fn a_violation_that_tells_more_than_the_message_takes_its_place() {
        let more = "at position 9: there is no mailing group SSXX";
        let details = ErrorDetails::with_bad_request_violation("expression", more);
        let message = "there is no mailing group SSXX";
        let status = Status::with_error_details(Code::NotFound, message, details);
        assert_eq!(
            describe(&status),
            "NOT_FOUND: at position 9: there is no mailing group SSXX (expression)"
        );
    }

    #[test]
    fn every_detail_that_says_more_has_a_line() {
        let mut details = ErrorDetails::new();
        details
            .add_bad_request_violation("contact.name", "must not be blank")
            .add_bad_request_violation("contact.email", "needs one @")
            .add_precondition_failure_violation("PEOPLE", "contact C1", "has 2 people")
            .set_retry_info(Some(Duration::from_secs(2)))
            .set_error_info(
                "RENAMED",
                "mailinggroups",
                [("new_code".to_owned(), "MOVE2".to_owned())],
            );
        let mut status = Status::with_error_details(Code::Aborted, "refused", details);
        status
            .metadata_mut()
            .insert("x-request-id", "r-1".parse().expect("ASCII"));
        assert_eq!(
            describe(&status),
            "ABORTED: refused\n  contact.name: must not be blank\n  contact.email: needs one @\
             \n  contact C1: has 2 people\n  new_code: MOVE2\n  try again in 2.0 s\n  request id: r-1"
        );
        assert_eq!(
            reason(&status),
            "contact.name: must not be blank; contact.email: needs one @"
        );
    }

    #[test]
    fn a_broken_connection_is_told_by_its_cause() {
        let mut status = Status::unknown("transport error");
        status.set_source(std::sync::Arc::new(std::io::Error::other("reset by peer")));
        assert_eq!(
            describe(&status),
            "the connection to the service broke: reset by peer"
        );
    }
}
