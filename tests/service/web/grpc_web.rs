//! gRPC-Web, in both of its forms.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use mailing_groups::pb;
use prost::Message;

use crate::{
    support::{Tenant, WebAnswer, WebClient, person},
    wire::raw::framed,
};

const GET_GROUP: &str = "MailingGroups/GetMailingGroup";

/// The messages of an answer, and its trailers.
fn frames(mut body: &[u8]) -> (Vec<Bytes>, String) {
    let (mut messages, mut trailers) = (Vec::new(), String::new());
    while let [flags, a, b, c, d, rest @ ..] = body {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (content, rest) = rest.split_at(length);
        match *flags {
            0 => messages.push(Bytes::copy_from_slice(content)),
            _ => trailers = String::from_utf8(content.to_vec()).unwrap(),
        }
        body = rest;
    }
    (messages, trailers)
}

fn request(code: &str) -> Bytes {
    let request = pb::GetMailingGroupRequest { code: code.into() };
    framed(&request.encode_to_vec())
}

#[tokio::test]
async fn a_call_is_binary() {
    let (client, mut tenant) = (WebClient::shared().await, Tenant::new().await);
    let group = tenant.group("MOVE").await;
    let post = || {
        let post = client.post(GET_GROUP, "application/grpc-web+proto");
        post.header("x-tenant", &tenant.name)
            .header("x-grpc-web", "1")
    };
    let answer = WebAnswer::of(post().body(request("MOVE"))).await;
    assert_eq!(answer.status, 200);
    let (messages, trailers) = frames(&answer.body);
    let message = pb::GetMailingGroupResponse::decode(&*messages[0]).unwrap();
    assert_eq!(message.mailing_group, Some(group));
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
    let refused = WebAnswer::of(post().body(request("NONE"))).await;
    assert_eq!(refused.status, 200);
    assert_eq!(refused.header("grpc-status"), "5");
    assert!(!refused.header("grpc-status-details-bin").is_empty());
    let late = post().header("grpc-timeout", "0m").body(request("MOVE"));
    assert_eq!(WebAnswer::of(late).await.header("grpc-status"), "4");
}

#[tokio::test]
async fn a_stream_is_text() {
    let (client, mut tenant) = (WebClient::shared().await, Tenant::new().await);
    tenant.group("MOVE").await;
    tenant.create(person("P1", "")).await;
    tenant.assign("P1", "MOVE").await;
    let request = pb::StreamSegmentMembersRequest {
        selection: Some(pb::Selection::of_expression("MOVE", Default::default())),
        ..Default::default()
    };
    let request = STANDARD.encode(framed(&request.encode_to_vec()));
    let post = client.post(
        "MailingGroups/StreamSegmentMembers",
        "application/grpc-web-text",
    );
    let post = post.header("accept", "application/grpc-web-text");
    let answer = WebAnswer::of(post.header("x-tenant", &tenant.name).body(request)).await;
    assert_eq!(answer.status, 200);
    // Each part is padded for itself.
    let mut decoded = Vec::new();
    for quad in answer.body.chunks(4) {
        decoded.extend(STANDARD.decode(quad).unwrap());
    }
    let (messages, trailers) = frames(&decoded);
    assert!(messages.len() >= 2);
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
}

#[tokio::test]
async fn what_is_no_base64_is_the_callers_mistake() {
    let client = WebClient::shared().await;
    let post = client.post(GET_GROUP, "application/grpc-web-text");
    let answer = WebAnswer::of(post.body("!!!!")).await;
    assert_eq!(answer.header("grpc-status"), "3", "{answer:?}");
    let post = client.post(GET_GROUP, "application/grpc-web+json");
    assert_eq!(WebAnswer::of(post.body("{}")).await.status, 415);
}
