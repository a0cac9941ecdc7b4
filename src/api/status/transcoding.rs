//! What is wrong with a request that is not gRPC, and so is not read by tonic.

use tonic::{Code, Status};

use super::plain;
use crate::{domain::Violation, pb::ErrorReason};

/// The request cannot be read.
pub(crate) fn malformed(message: impl Into<String>) -> Status {
    plain(ErrorReason::InvalidArgument, message)
}

/// A field of the request breaks a rule; `path` is as the caller writes it.
pub(crate) fn invalid_field(path: &str, reason: impl Into<String>) -> Status {
    let violation = Violation {
        field: path.to_owned(),
        reason: reason.into(),
    };
    violation.into()
}

/// A message has more bytes than it may.
pub(crate) fn too_large(max: usize) -> Status {
    let message = format!("message length too large: the limit is {max} bytes");
    plain(ErrorReason::ResourceExhausted, message)
}

/// The server does not know the compression.
pub(crate) fn unknown_compression(header: &str) -> Status {
    let message = format!("{header} must be gzip or identity");
    plain(ErrorReason::Unimplemented, message)
}

/// The caller has stopped in the middle of a request.
pub(crate) fn unsent() -> Status {
    let message = "the rest of the request was not sent in time";
    plain(ErrorReason::DeadlineExceeded, message)
}

/// The error of a body that broke off, or whose caller has stopped.
pub(crate) fn cut_off(error: Status) -> Status {
    match error.code() {
        Code::DeadlineExceeded => error,
        _ => plain(ErrorReason::Cancelled, "the request was broken off"),
    }
}
