//! Completes every error that leaves the server: gRPC's documented codes where tonic's differ,
//! short messages, and an `ErrorInfo` where there are no details.
//!
//! An error with details was made by this service and keeps its code; one without comes from
//! tonic and can be recognised only by its text (a test holds each).

use std::collections::HashMap;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{api::status::DOMAIN, model::grpc_code_name};

/// The longest message of an error, in bytes: all trailers together must stay below 8 KiB
/// (gRPC over HTTP/2), and prost's texts grow with the depth of what it could not decode.
const MAX_MESSAGE: usize = 512;

/// How tonic's texts begin when a request cannot be decoded.
const MALFORMED_REQUEST: [&str; 6] = [
    "failed to decode Protobuf message",
    "Missing request message.",
    "Unexpected EOF decoding stream.",
    "protocol error: received message with",
    "Error decompressing",
    "tonic-web: ",
];

/// How tonic's text begins when a connection broke or a stream was reset.
const BROKEN_CONNECTION: &str = "h2 protocol error";

/// The status in the headers of a trailers-only response, or in trailers; `None` if there is none.
pub(super) fn code_in(headers: &HeaderMap) -> Option<Code> {
    let value = headers.get(Status::GRPC_STATUS)?;
    Some(Code::from_bytes(value.as_bytes()))
}

/// Completes the error in trailers; other frames stay as they are.
pub(super) fn complete_frame(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut headers) => {
            complete(&mut headers);
            Frame::trailers(headers)
        }
        Err(data) => data,
    }
}

/// Completes the error in `headers`; returns its code, if there is a status.
pub(super) fn complete(headers: &mut HeaderMap) -> Option<Code> {
    let code = code_in(headers)?;
    let detailed = headers.contains_key(Status::GRPC_STATUS_DETAILS);
    let short = headers
        .get(Status::GRPC_MESSAGE)
        .is_none_or(|message| message.len() <= MAX_MESSAGE);
    if code == Code::Ok || (detailed && short) {
        return Some(code);
    }
    let status = Status::from_header_map(headers)?;
    headers.remove(Status::GRPC_MESSAGE);
    let status = if detailed {
        shortened(&status)
    } else {
        with_error_info(&status)
    };
    if status.add_header(headers).is_err() {
        tracing::error!("an error status could not be written as headers");
    }
    Some(status.code())
}

fn shortened(status: &Status) -> Status {
    let details = Bytes::copy_from_slice(status.details());
    Status::with_details(status.code(), truncate(status.message()), details)
}

fn with_error_info(status: &Status) -> Status {
    let (code, message) = corrected(status.code(), status.message());
    let reason = grpc_code_name(code as i32);
    let details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    Status::with_error_details(code, truncate(message), details)
}

/// gRPC's documented code and text where tonic uses others.
fn corrected(code: Code, message: &str) -> (Code, &str) {
    match code {
        // https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
        Code::OutOfRange if message.contains("message length too large") => (
            Code::ResourceExhausted,
            message.trim_start_matches("Error, "),
        ),
        // That table says INTERNAL. But an undecodable request is the caller's mistake, and
        // INTERNAL raises alarms.
        Code::Internal
            if MALFORMED_REQUEST
                .iter()
                .any(|text| message.starts_with(text)) =>
        {
            (Code::InvalidArgument, message)
        }
        // The caller or its connection broke the call off in the middle of the request: no one gets
        // the answer, and the service is not at fault.
        _ if message.starts_with(BROKEN_CONNECTION) => (Code::Cancelled, message),
        Code::Unimplemented if message.is_empty() => (code, "this server has no such method"),
        _ => (code, message),
    }
}

fn truncate(message: &str) -> &str {
    let mut end = message.len().min(MAX_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(status: &Status) -> Status {
        let mut headers = HeaderMap::new();
        status.add_header(&mut headers).expect("headers");
        complete(&mut headers);
        Status::from_header_map(&headers).expect("a status")
    }

    #[test]
    fn an_error_without_details_gets_an_error_info() {
        let status = after(&Status::not_found("gone"));
        let info = status.get_details_error_info().expect("ErrorInfo");
        assert_eq!((status.code(), status.message()), (Code::NotFound, "gone"));
        assert_eq!((&*info.reason, &*info.domain), ("NOT_FOUND", DOMAIN));
    }

    #[test]
    fn an_error_with_details_is_left_alone_even_if_out_of_range() {
        let details = ErrorDetails::with_error_info("CURSOR_EXPIRED", "x", HashMap::new());
        let message = "message length too large";
        let status = after(&Status::with_error_details(
            Code::OutOfRange,
            message,
            details,
        ));
        assert_eq!(status.code(), Code::OutOfRange);
        assert_eq!(
            status.get_details_error_info().expect("info").reason,
            "CURSOR_EXPIRED"
        );
    }

    #[test]
    fn a_long_message_is_cut_between_characters_and_keeps_its_details() {
        let status = after(&Status::aborted("é".repeat(400)));
        assert_eq!(status.message(), "é".repeat(256));
        assert!(status.get_details_error_info().is_some());
        let long = Status::with_details(Code::Aborted, "y".repeat(513), Bytes::from_static(b"d"));
        assert_eq!(
            (after(&long).message().len(), after(&long).details()),
            (512, &b"d"[..])
        );
    }

    #[test]
    fn a_connection_that_broke_is_a_call_that_was_cancelled() {
        let text = "h2 protocol error: error reading a body from connection";
        for code in [Code::Unknown, Code::Internal, Code::Unavailable] {
            assert_eq!(after(&Status::new(code, text)).code(), Code::Cancelled);
        }
        assert_eq!(after(&Status::unknown("else")).code(), Code::Unknown);
    }

    #[test]
    fn success_stays_untouched() {
        let mut headers = HeaderMap::new();
        headers.insert(Status::GRPC_STATUS, 0.into());
        complete(&mut headers);
        assert_eq!(headers.len(), 1);
    }
}
