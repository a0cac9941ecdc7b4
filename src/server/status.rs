//! The errors that the server itself answers with, and reading a status off headers or trailers.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::api::request_id;

/// The `domain` of every `google.rpc.ErrorInfo` of this service.
pub(super) const DOMAIN: &str = "mailinggroups";

/// When a caller turned away by a full server may come back.
const RETRY_OVERLOADED: Duration = Duration::from_secs(1);

/// When a caller turned away by a stopping server may come back: another one is there, or soon.
const RETRY_SHUTTING_DOWN: Duration = Duration::from_millis(100);

/// The call's time is up.
pub(super) fn deadline_exceeded() -> Status {
    let details = ErrorDetails::with_error_info("DEADLINE_EXCEEDED", DOMAIN, HashMap::new());
    Status::with_error_details(Code::DeadlineExceeded, "the deadline has passed", details)
}

/// The server is draining.
pub(super) fn shutting_down() -> Status {
    unavailable(
        "SHUTTING_DOWN",
        "the server is shutting down",
        RETRY_SHUTTING_DOWN,
    )
}

/// The server handles as many calls as it may.
pub(super) fn overloaded() -> Status {
    unavailable("OVERLOADED", "too many calls at a time", RETRY_OVERLOADED)
}

fn unavailable(reason: &str, message: &str, retry_after: Duration) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    details.set_retry_info(Some(retry_after));
    let mut status = Status::with_error_details(Code::Unavailable, message, details);
    // What gRPC's own retry policies go by, https://github.com/grpc/proposal/blob/master/A6-client-retries.md
    let pushback = retry_after.as_millis() as u64;
    status
        .metadata_mut()
        .insert("grpc-retry-pushback-ms", pushback.into());
    status
}

/// Something broke; the log says what, under the request id that the caller gets.
pub(super) fn internal() -> Status {
    let id = request_id::current()
        .map(|id| id.to_string())
        .unwrap_or_default();
    let message = format!("internal error; request id {id}");
    let metadata = HashMap::from([("request_id".to_owned(), id)]);
    let details = ErrorDetails::with_error_info("INTERNAL", DOMAIN, metadata);
    Status::with_error_details(Code::Internal, message, details)
}

/// The status in a trailers-only response's headers, or in trailers; `None` if there is none yet.
pub(super) fn code_in(headers: &HeaderMap) -> Option<Code> {
    let value = headers.get("grpc-status")?;
    Some(Code::from_bytes(value.as_bytes()))
}

/// The status as the last frame of a response.
pub(super) fn trailers(status: &Status) -> Frame<Bytes> {
    let mut headers = HeaderMap::new();
    if status.add_header(&mut headers).is_err() {
        headers.insert("grpc-status", (Code::Internal as i32).into());
    }
    Frame::trailers(headers)
}

/// The code as the gRPC documents spell it, e.g. `NOT_FOUND`.
pub(super) fn code_name(code: Code) -> &'static str {
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
