//! The names of gRPC's status codes.

/// The names of gRPC's status codes, by number.
const GRPC_CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The name of a status code as the gRPC documents spell it, e.g. `NOT_FOUND` for 5. A number
/// that gRPC does not define is UNKNOWN, as in its clients.
pub(crate) fn grpc_code_name(code: i32) -> &'static str {
    let index = usize::try_from(code).ok();
    index
        .and_then(|index| GRPC_CODES.get(index).copied())
        .unwrap_or("UNKNOWN")
}
