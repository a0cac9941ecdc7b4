//! Makes every error that leaves the server one that gRPC documents and clients can read: tonic's
//! own codes where they differ, short messages, and an `ErrorInfo` where there are no details.
//!
//! An error with details was made by this service and keeps its code; one without comes from
//! tonic and is known only by its text (a test holds each).

use std::{
    collections::HashMap,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use tonic::{Code, Status, body::Body};
use tonic_types::{ErrorDetails, StatusExt};

use super::{
    guard::{Calls, Guard, Next},
    status::{DOMAIN, code_in, code_name, trailers},
};

/// The longest message of an error, in bytes: trailers are to stay below 8 KiB in all
/// (gRPC over HTTP/2), and prost's texts grow with the depth of what it could not decode.
const MAX_MESSAGE: usize = 512;

/// How tonic's texts begin about a request whose bytes are not the message they should be.
const NO_MESSAGE: [&str; 5] = [
    "failed to decode Protobuf message",
    "Missing request message.",
    "Unexpected EOF decoding stream.",
    "protocol error: received message with",
    "Error decompressing",
];

/// How tonic's text begins about a connection that ended without a reason.
const BROKEN_CONNECTION: &str = "h2 protocol error";

/// Translates the errors of every call.
#[derive(Clone)]
pub(super) struct Translate;

impl Guard for Translate {
    async fn handle<C: Calls>(&self, request: Request<Body>, next: Next<'_, C>) -> Response<Body> {
        let mut response = next.run(request).await;
        if code_in(response.headers()).is_some() {
            translate(response.headers_mut());
            return response;
        }
        response.map(|inner| Body::new(Translated { inner }))
    }
}

/// A response body whose trailers are translated; an error of the body becomes trailers, because
/// as an error it would reset the stream and lose its status.
struct Translated {
    inner: Body,
}

impl http_body::Body for Translated {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.inner).poll_frame(cx).map(|polled| {
            let frame = polled?.unwrap_or_else(|status| trailers(&status));
            Some(Ok(translated(frame)))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}

fn translated(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut headers) => {
            translate(&mut headers);
            Frame::trailers(headers)
        }
        Err(data) => data,
    }
}

fn translate(headers: &mut HeaderMap) {
    let detailed = headers.contains_key(Status::GRPC_STATUS_DETAILS);
    let short = headers
        .get(Status::GRPC_MESSAGE)
        .is_none_or(|message| message.len() <= MAX_MESSAGE);
    if matches!(code_in(headers), None | Some(Code::Ok)) || (detailed && short) {
        return;
    }
    let Some(status) = Status::from_header_map(headers) else {
        return;
    };
    headers.remove(Status::GRPC_MESSAGE);
    let status = if detailed {
        shortened(&status)
    } else {
        completed(&status)
    };
    if status.add_header(headers).is_err() {
        tracing::error!("an error status could not be written as headers");
    }
}

fn shortened(status: &Status) -> Status {
    let details = Bytes::copy_from_slice(status.details());
    Status::with_details(status.code(), truncate(status.message()), details)
}

fn completed(status: &Status) -> Status {
    let (code, message) = corrected(status.code(), status.message());
    let details = ErrorDetails::with_error_info(code_name(code), DOMAIN, HashMap::new());
    Status::with_error_details(code, truncate(message), details)
}

/// The code and text that gRPC gives to what tonic calls otherwise.
fn corrected(code: Code, message: &str) -> (Code, &str) {
    match code {
        // https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
        Code::OutOfRange if message.contains("message length too large") => (
            Code::ResourceExhausted,
            message.trim_start_matches("Error, "),
        ),
        // That table says INTERNAL. But a request that is no message is the caller's mistake, and
        // INTERNAL is what wakes us up.
        Code::Internal if NO_MESSAGE.iter().any(|text| message.starts_with(text)) => {
            (Code::InvalidArgument, message)
        }
        // The caller's connection broke in the middle of the request: nobody is left to answer, and
        // nothing here is at fault.
        Code::Unknown if message.starts_with(BROKEN_CONNECTION) => (Code::Cancelled, message),
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
        translate(&mut headers);
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
        assert_eq!(after(&Status::unknown(text)).code(), Code::Cancelled);
        assert_eq!(after(&Status::unknown("else")).code(), Code::Unknown);
    }

    #[test]
    fn success_stays_untouched() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", 0.into());
        translate(&mut headers);
        assert_eq!(headers.len(), 1);
    }
}
