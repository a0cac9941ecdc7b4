//! The parts of an error.

use tonic::{Code, Status};
use tonic_types::{ErrorInfo, StatusExt};

/// An error: the code and the reason of its `ErrorInfo`.
pub(crate) type Failure = (Code, String);

/// The error that a call ended with.
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, Status>) -> Failure {
    let status = outcome.unwrap_err();
    (status.code(), info(&status).reason)
}

/// The `ErrorInfo` that every error carries.
pub(crate) fn info(status: &Status) -> ErrorInfo {
    let info = status.get_error_details().error_info().cloned();
    let info = info.unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "mailinggroups");
    info
}

/// Checks that a call ended by its deadline. On a busy machine the client's own timer may be
/// first, which tonic calls CANCELLED.
pub(crate) fn is_overdue(status: &Status) {
    let by_client = status.code() == Code::Cancelled && status.message() == "Timeout expired";
    assert!(
        by_client || status.code() == Code::DeadlineExceeded,
        "{status:?}"
    );
}

/// The fields of the violations of an error.
pub(crate) fn violations(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.clone());
    violations
        .unwrap_or_default()
        .into_iter()
        .map(|violation| violation.field)
        .collect()
}

/// The unmet preconditions of an error: kind, subject, description.
pub(crate) fn unmet(status: &Status) -> Vec<(String, String, String)> {
    let details = status.get_error_details();
    let violations = details
        .precondition_failure()
        .map(|failure| failure.violations.clone());
    violations
        .unwrap_or_default()
        .into_iter()
        .map(|unmet| (unmet.r#type, unmet.subject, unmet.description))
        .collect()
}

/// The type and the name of the resource of an error.
pub(crate) fn resource(status: &Status) -> (String, String) {
    let details = status.get_error_details();
    let resource = details.resource_info().unwrap();
    (
        resource.resource_type.clone(),
        resource.resource_name.clone(),
    )
}
