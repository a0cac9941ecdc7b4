//! A gRPC status as text: code, message, and every detail that says more than the message.

use std::{error::Error, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::transport::broken;
use crate::{duration::human, model::grpc_code_name};

/// `NOT_FOUND: expression: at position 1: there is no mailing group SSXX`: the code, the field
/// and the reason, with a further line for each detail that the message does not contain.
pub(in crate::client) fn describe(status: &Status) -> String {
    if let Some(source) = status.source() {
        return broken(source);
    }
    let details = status.get_error_details();
    let violations = violations(&details);
    let message = match violations {
        [only] if repeats(only, status.message()) => field_and_reason(only),
        _ => status.message().to_owned(),
    };
    let mut lines = vec![grpc_code_name(status.code() as i32).to_owned()];
    if !message.is_empty() {
        lines[0] += &format!(": {message}");
    }
    let more = violations
        .iter()
        .filter(|it| !message.contains(&it.description));
    lines.extend(more.map(field_and_reason));
    lines.append(&mut other_details(&details, &message));
    lines.extend(identity_advice(status.code()).map(str::to_owned));
    if let Some(id) = request_id(status, &details)
        && !message.contains(&id)
    {
        lines.push(format!("request id: {id}"));
    }
    lines.join("\n  ")
}

/// Whether a violation says what the message says, perhaps with more, such as a position.
fn repeats(violation: &FieldViolation, message: &str) -> bool {
    let reason = &violation.description;
    reason.contains(message) || message.ends_with(reason.as_str())
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

/// What to do if the caller is unknown or lacks access.
fn identity_advice(code: Code) -> Option<&'static str> {
    match code {
        Code::Unauthenticated => Some(
            "pass a valid token with --token-file or MAILING_GROUPS_TOKEN, or a certificate with \
             --cert and --key",
        ),
        Code::PermissionDenied => Some("`mailing-groups whoami` tells what you may do"),
        _ => None,
    }
}

fn violations(details: &ErrorDetails) -> &[FieldViolation] {
    details.bad_request().map_or(&[], |it| &it.field_violations)
}

fn field_and_reason(violation: &FieldViolation) -> String {
    format!("{}: {}", violation.field, violation.description)
}

/// The details other than violations of fields, as far as the message does not contain them.
fn other_details(details: &ErrorDetails, message: &str) -> Vec<String> {
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
    header
        .or_else(|| details.request_info().map(|it| it.request_id.as_str()))
        .or_else(named)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violated(field: &str, reason: &str, message: &str) -> String {
        let details = ErrorDetails::with_bad_request_violation(field, reason);
        describe(&Status::with_error_details(
            Code::InvalidArgument,
            message,
            details,
        ))
    }

    #[test]
    fn a_field_stands_before_its_reason_whatever_the_message_repeats() {
        let text = "INVALID_ARGUMENT: expression: at position 9: no mailing group SSXX";
        let reason = "at position 9: no mailing group SSXX";
        assert_eq!(
            violated("expression", reason, "no mailing group SSXX"),
            text
        );
        let message = format!("expression {reason}");
        assert_eq!(violated("expression", reason, &message), text);
        assert_eq!(violated("expression", reason, reason), text);
    }

    #[test]
    fn a_request_id_is_printed_once() {
        let details = ErrorDetails::with_error_info(
            "INTERNAL",
            "mailinggroups",
            [("request_id".to_owned(), "r-1".to_owned())],
        );
        let message = "internal error; request id r-1";
        let status = Status::with_error_details(Code::Internal, message, details);
        assert_eq!(describe(&status), format!("INTERNAL: {message}"));
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
    fn a_broken_connection_is_described_by_its_cause() {
        let mut status = Status::unknown("transport error");
        status.set_source(std::sync::Arc::new(std::io::Error::other("reset by peer")));
        assert_eq!(
            describe(&status),
            "the connection to the service broke: reset by peer"
        );
    }
}
