//! Every error has a code that gRPC documents, and details.

use mailing_groups::{pb::GetContactRequest, server::Limits};
use tonic::Code;

use super::{
    acts::MESSAGE_LIMIT,
    raw::{Answer, GET, IMPORT, error_info, framed},
    server::Server,
};
use crate::support::within;

fn assert_error(answer: &Answer, code: Code, reason: &str) {
    assert_eq!(answer.status.code(), code, "{:?}", answer.status);
    assert_eq!(error_info(&answer.status).reason, reason);
    assert!(!answer.status.message().is_empty());
}

#[tokio::test]
async fn an_oversized_request_is_resource_exhausted() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let large = GetContactRequest {
        id: "x".repeat(MESSAGE_LIMIT),
    };
    for path in [GET, IMPORT] {
        let answer = within(client.call(path, &[], large.clone()))
            .await
            .expect("an answer");
        assert_error(&answer, Code::ResourceExhausted, "RESOURCE_EXHAUSTED");
        assert!(
            answer.status.message().contains("65536 bytes"),
            "{:?}",
            answer.status
        );
    }
}

#[tokio::test]
async fn an_oversized_response_is_resource_exhausted() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let call = client.call(GET, &[("x-act", "big")], ());
    let answer = within(call).await.expect("an answer");
    assert_error(&answer, Code::ResourceExhausted, "RESOURCE_EXHAUSTED");
}

#[tokio::test]
async fn an_undecodable_request_is_invalid() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    for path in [GET, IMPORT] {
        let mut call = within(client.open(path, &[])).await.expect("a call");
        // Field 1 or 2, length-delimited, longer than what follows.
        let broken: &[u8] = if path == GET {
            &[0x0a, 0x7f]
        } else {
            &[0x12, 0x7f]
        };
        call.requests.send_data(framed(broken), true).expect("sent");
        let answer = within(call.answer()).await.expect("an answer");
        assert_error(&answer, Code::InvalidArgument, "INVALID_ARGUMENT");
        assert!(answer.status.message().len() <= 512);
    }
}

#[tokio::test]
async fn a_truncated_or_misframed_request_is_invalid() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let nothing: &[u8] = &[];
    let cut: &[u8] = &[0, 0, 0, 0, 9, 1];
    let no_such_flag: &[u8] = &[2, 0, 0, 0, 0];
    let compressed_unsaid: &[u8] = &[1, 0, 0, 0, 0];
    for bytes in [nothing, cut, no_such_flag, compressed_unsaid] {
        let mut call = within(client.open(GET, &[])).await.expect("a call");
        let bytes = bytes::Bytes::copy_from_slice(bytes);
        call.requests.send_data(bytes, true).expect("sent");
        let answer = within(call.answer()).await.expect("an answer");
        assert_error(&answer, Code::InvalidArgument, "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn an_unknown_method_or_service_is_unimplemented() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    for path in [
        "/mailinggroups.v1.Contacts/NoSuch",
        "/no.such.Service/Method",
    ] {
        let call = client.call(path, &[], ());
        let answer = within(call).await.expect("an answer");
        assert_error(&answer, Code::Unimplemented, "UNIMPLEMENTED");
    }
}

#[tokio::test]
async fn an_error_made_without_details_gets_them() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let call = client.call(GET, &[("x-act", "fail")], ());
    let answer = within(call).await.expect("an answer");
    assert_error(&answer, Code::NotFound, "NOT_FOUND");
    assert_eq!(answer.status.message(), "no such contact");
}

#[tokio::test]
async fn what_is_not_grpc_is_refused_by_http() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    for (method, content_type, expected) in [
        ("POST", Some("text/plain"), 415),
        ("POST", Some("application/json"), 415),
        ("POST", None, 415),
        ("PUT", Some("application/grpc"), 405),
        ("GET", Some("application/grpc"), 405),
        ("POST", Some("application/grpc"), 200),
        ("POST", Some("application/grpc+proto"), 200),
    ] {
        let request = http::Request::builder().method(method);
        let mut request = request.uri(format!("http://test{GET}"));
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let mut call = within(client.send(request.body(()).unwrap()))
            .await
            .expect("a call");
        // The server may have answered already.
        let _ = call.requests.send_data(framed(&[]), true);
        let response = within(call.headers()).await.expect("an answer");
        assert_eq!(response.status(), expected, "{method} {content_type:?}");
    }
}

#[tokio::test]
async fn a_successful_call_has_no_error() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    for path in [GET, IMPORT] {
        let answer = within(client.call(path, &[], ())).await.expect("an answer");
        assert_eq!(answer.status.code(), Code::Ok);
        assert!(answer.status.details().is_empty() && answer.status.message().is_empty());
    }
}
