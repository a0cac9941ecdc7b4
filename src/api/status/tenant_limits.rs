//! The errors of limits that servers apply to a tenant.

use std::time::Duration;

use tonic::Status;
use tonic_types::ErrorDetails;

use super::status;
use crate::pb::ErrorReason;

/// A limit of a tenant that servers apply.
#[derive(Clone, Copy)]
pub(crate) enum TenantLimit {
    CallsPerSecond,
    Streams,
}

/// The tenant makes more calls, or has more open streams, than it may.
pub(crate) fn tenant_exceeds(limit: TenantLimit, maximum: u32, retry: Duration) -> Status {
    let (reason, name, what) = match limit {
        TenantLimit::CallsPerSecond => (
            ErrorReason::RateLimited,
            "max_calls_per_second",
            "calls a second",
        ),
        TenantLimit::Streams => (
            ErrorReason::TenantLimitReached,
            "max_streams",
            "open streams",
        ),
    };
    let message = format!("the tenant may have at most {maximum} {what} on a server");
    let mut details = ErrorDetails::new();
    details.add_quota_failure_violation("mailinggroups.v1.Tenant", &message);
    details.set_retry_info(Some(retry));
    let metadata = vec![("limit", name.to_owned()), ("maximum", maximum.to_string())];
    status(reason, message, metadata, details)
}
