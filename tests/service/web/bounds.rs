//! What bounds calls of browsers and curl: the same as for gRPC.

use std::time::Duration;

use mailing_groups::server::{Limits, Shutdown};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    support::{Server, WebAnswer, WebClient, database, envelope, within},
    wire,
};

const GET_GROUP: &str = "MailingGroups/GetMailingGroup";

#[tokio::test]
async fn a_message_has_at_most_4_mib() {
    let client = WebClient::shared().await;
    let expected = (
        429,
        "resource_exhausted".into(),
        "RESOURCE_EXHAUSTED".into(),
    );
    let large = " ".repeat((4 << 20) + 1);
    let post = client.post(GET_GROUP, "application/json");
    let answer = WebAnswer::of(post.body(large)).await;
    assert_eq!(answer.refused(), expected);
    assert!(answer.error_message().contains("4194304 bytes"));
    let long = [&[0], &(5_u32 << 20).to_be_bytes()[..]].concat();
    let stream = "MailingGroups/StreamSegmentMembers";
    let post = client.post(stream, "application/connect+json").body(long);
    let (_, end) = WebAnswer::of(post).await.envelopes();
    assert_eq!(end["error"]["code"], "resource_exhausted");
}

#[tokio::test]
async fn small_texts_do_not_become_large_messages() {
    let client = WebClient::shared().await;
    let path = "MailingGroups/BatchAssignMailingGroups";
    let many = |count| json!({"assignments": vec![json!({}); count]});
    let refused = client.json(path, "t", &many(10_001)).await;
    let text = "assignments must have at most 10000 items; it has more";
    assert_eq!(refused.error_message(), text);
    let refused = client.json(path, "t", &many(20_001)).await;
    let text = "the message must have at most 20000 objects; it has 20002";
    assert_eq!(refused.error_message(), text);
}

#[tokio::test]
async fn calls_need_places() {
    let limits = Limits {
        max_calls: 0,
        max_streams: 0,
        ..Limits::default()
    };
    let server = Server::on(&database().await, limits).await;
    let client = WebClient::of(server.web);
    let expected = (503, "unavailable".into(), "OVERLOADED".into());
    let answer = client.json(GET_GROUP, "t", &json!({"code": "A"})).await;
    assert_eq!(answer.refused(), expected);
    assert!(!answer.header("grpc-retry-pushback-ms").is_empty());
    let stream = "MailingGroups/StreamSegmentMembers";
    let post = client.post(stream, "application/connect+json");
    let (_, end) = WebAnswer::of(post.body(envelope(b"{}"))).await.envelopes();
    assert_eq!(end["error"]["code"], "unavailable");
}

#[tokio::test]
async fn tenants_have_their_rates() {
    let limits = Limits::default().with_tenant_calls_per_second(1);
    let server = Server::on(&database().await, limits).await;
    let client = WebClient::of(server.web);
    let expected = (429, "resource_exhausted".into(), "RATE_LIMITED".into());
    loop {
        let answer = client.json(GET_GROUP, "t", &json!({"code": "A"})).await;
        if answer.status == 429 {
            return assert_eq!(answer.refused(), expected);
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_not_read_is_closed() {
    let limits = Limits {
        unread_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let mut server = wire::server::Server::start(limits).await;
    let mut stream = TcpStream::connect(server.web).await.unwrap();
    let body = envelope(b"{}");
    let head = format!(
        "POST /mailinggroups.v1.Contacts/ImportContacts HTTP/1.1\r\nHost: {}\r\nx-act: flood\r\n\
         content-type: application/connect+json\r\ncontent-length: {}\r\n\r\n",
        server.web,
        body.len()
    );
    within(stream.write_all(head.as_bytes())).await.unwrap();
    within(stream.write_all(&body)).await.unwrap();
    server.handler_dropped().await;
    // What was sent before is followed by the end of the connection.
    let mut received = Vec::new();
    let _ = within(stream.read_to_end(&mut received)).await;
}

#[tokio::test]
async fn an_idle_request_body_ends_its_call() {
    let limits = Limits {
        keepalive_interval: Duration::from_millis(500),
        ..Limits::default()
    };
    let server = Server::on(&database().await, limits).await;
    for (content_type, begun) in [
        ("application/json", &b"{"[..]),
        ("application/connect+json", &[0, 0, 0, 0, 9, b'{']),
        ("application/grpc-web", &[0, 0, 0, 0, 9, 10]),
    ] {
        let path = match content_type {
            "application/connect+json" => "Contacts/ImportContacts",
            _ => GET_GROUP,
        };
        let mut stream = TcpStream::connect(server.web).await.unwrap();
        let head = format!(
            "POST /mailinggroups.v1.{path} HTTP/1.1\r\nHost: {}\r\nx-tenant: t\r\n\
             content-type: {content_type}\r\ncontent-length: 99\r\n\r\n",
            server.web
        );
        within(stream.write_all(head.as_bytes())).await.unwrap();
        within(stream.write_all(begun)).await.unwrap();
        let mut answer = Vec::new();
        let _ = within(stream.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer).replace("%20", " ");
        assert!(
            answer.contains("the rest of the request was not sent in time"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_stop_closes_connections_that_wait_for_the_next_call() {
    let server = wire::server::Server::start(Limits::default()).await;
    let client = WebClient::of(server.web);
    let answer = client.json("Contacts/GetContact", "t", &json!({})).await;
    assert_eq!(answer.header("connection"), "", "{answer:?}");
    server.shutdown.cancel();
    assert_eq!(server.ended().await, Shutdown::Clean);
}

#[tokio::test]
async fn other_hosts_are_refused() {
    let client = WebClient::shared().await;
    let post = client.post(GET_GROUP, "application/json");
    let answer = WebAnswer::of(post.header("host", "rebound.example.com").body("{}")).await;
    assert_eq!(answer.status, 421);
    assert!(answer.text().contains("localhost"));
}
