//! Every response has the id of its call.

use mailing_groups::{pb::GetContactResponse, server::Limits};
use prost::Message;
use tonic::Code;

use super::{
    raw::{Answer, Client, GET},
    server::Server,
};
use crate::support::within;

async fn call(client: &Client, headers: &[(&str, &str)]) -> Answer {
    within(client.call(GET, headers, ()))
        .await
        .expect("an answer")
}

fn echoed(answer: &Answer) -> &str {
    answer.headers["x-request-id"].to_str().expect("text")
}

/// The id that the handler got, from its response.
fn seen(answer: &Answer) -> String {
    let message = GetContactResponse::decode(&answer.data[5..]).expect("a message");
    message.contact.expect("a contact").name
}

#[tokio::test]
async fn the_callers_id_is_kept_and_echoed() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let answer = call(&client, &[("x-request-id", "order:42._-")]).await;
    assert_eq!(
        (echoed(&answer), seen(&answer).as_str()),
        ("order:42._-", "order:42._-")
    );
    let failed = call(&client, &[("x-request-id", "a1"), ("x-act", "fail")]).await;
    assert_eq!((echoed(&failed), failed.trailers_only), ("a1", true));
}

#[tokio::test]
async fn a_call_with_two_ids_is_refused() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let answer = call(&client, &[("x-request-id", "a"), ("x-request-id", "b")]).await;
    assert_eq!(answer.status.code(), Code::InvalidArgument);
    let text = "x-request-id must have one value; the call has 2";
    assert_eq!(answer.status.message(), text);
    assert_eq!(echoed(&answer).len(), 36, "a UUID");
}

#[tokio::test]
async fn a_missing_or_unsafe_id_is_replaced() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let long = "x".repeat(65);
    let mut ids = Vec::new();
    for given in ["", "a b", "{x}", &long] {
        let answer = call(&client, &[("x-request-id", given)]).await;
        assert_eq!(echoed(&answer).len(), 36, "a UUID");
        assert_eq!(echoed(&answer), seen(&answer));
        ids.push(seen(&answer));
    }
    ids.push(seen(&call(&client, &[]).await));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5, "every call has its own");
}
