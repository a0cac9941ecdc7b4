//! Streams over the Connect protocol.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::support::{Tenant, WebAnswer, WebClient, envelope, person, reason};

const STREAM: &str = "application/connect+json";
const MEMBERS: &str = "MailingGroups/StreamSegmentMembers";

async fn call(client: &WebClient, path: &str, tenant: &str, body: Vec<u8>) -> WebAnswer {
    let post = client.post(path, STREAM).header("x-tenant", tenant);
    let answer = WebAnswer::of(post.body(body)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), STREAM);
    answer
}

fn enveloped(message: &Value) -> Vec<u8> {
    envelope(message.to_string().as_bytes())
}

#[tokio::test]
async fn a_stream_ends_with_its_summary_and_an_end_without_error() {
    let (client, mut tenant) = (WebClient::shared().await, Tenant::new().await);
    tenant.group("MOVE").await;
    for id in ["P1", "P2", "P3"] {
        tenant.create(person(id, "")).await;
        tenant.assign(id, "MOVE").await;
    }
    let request = enveloped(&json!({"selection": {"expression": "MOVE"}, "pageSize": 2}));
    let answer = call(&client, MEMBERS, &tenant.name, request).await;
    let (messages, end) = answer.envelopes();
    assert_eq!(end, json!({}));
    let pages = messages
        .iter()
        .filter_map(|it| it["page"]["members"].as_array());
    let ids: Vec<_> = pages.flatten().map(|it| it["contactId"].clone()).collect();
    assert_eq!(ids, ["P1", "P2", "P3"]);
    let summary = &messages.last().unwrap()["summary"];
    assert_eq!(summary["memberCount"], "3", "{messages:?}");
}

#[tokio::test]
async fn a_stream_that_fails_says_so_at_its_end() {
    let (client, tenant) = (WebClient::shared().await, Tenant::new().await);
    let unknown = enveloped(&json!({"selection": {"expression": "NONE"}}));
    let malformed = envelope(b"{");
    let binary = [&[4], &envelope(b"{}")[1..]].concat();
    let cut = envelope(b"{}")[..6].to_vec();
    let two = [envelope(b"{}"), envelope(b"{}")].concat();
    let compressed = [&[1], &envelope(b"{}")[1..]].concat();
    for (body, code, expected, text) in [
        (unknown, "not_found", "MAILING_GROUP_NOT_FOUND", "NONE"),
        (
            malformed,
            "invalid_argument",
            "INVALID_ARGUMENT",
            "not JSON",
        ),
        (binary, "invalid_argument", "INVALID_ARGUMENT", "flags"),
        (
            cut,
            "invalid_argument",
            "INVALID_ARGUMENT",
            "within an envelope",
        ),
        (two, "invalid_argument", "INVALID_ARGUMENT", "one message"),
        (
            vec![],
            "invalid_argument",
            "INVALID_ARGUMENT",
            "request message",
        ),
        (
            compressed,
            "invalid_argument",
            "INVALID_ARGUMENT",
            "connect-content-encoding",
        ),
    ] {
        let answer = call(&client, MEMBERS, &tenant.name, body).await;
        let (messages, end) = answer.envelopes();
        assert!(messages.is_empty());
        let error = &end["error"];
        assert_eq!(error["code"], code, "{end}");
        assert_eq!(reason(error), expected);
        assert!(error["message"].as_str().unwrap().contains(text), "{end}");
    }
    let post = client
        .post(MEMBERS, STREAM)
        .header("connect-timeout-ms", "0");
    let (_, end) = WebAnswer::of(post.body(envelope(b"{}"))).await.envelopes();
    assert_eq!(end["error"]["code"], "deadline_exceeded");
}

#[tokio::test]
async fn messages_of_a_stream_can_be_compressed() {
    let (client, mut tenant) = (WebClient::shared().await, Tenant::new().await);
    tenant.group("MOVE").await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let request = br#"{"selection": {"expression": "MOVE"}}"#;
    encoder.write_all(request).unwrap();
    let mut request = envelope(&encoder.finish().unwrap());
    request[0] = 1;
    let post = client
        .post(MEMBERS, STREAM)
        .header("x-tenant", &tenant.name)
        .header("connect-content-encoding", "gzip");
    let (messages, end) = WebAnswer::of(post.body(request)).await.envelopes();
    assert_eq!(end, json!({}), "{messages:?}");
    assert!(messages.last().unwrap()["summary"].is_object());
}

#[tokio::test]
async fn an_import_is_one_body() {
    let (client, tenant) = (WebClient::shared().await, Tenant::new().await);
    let contact = |id: &str| json!({"id": id, "kind": "CONTACT_KIND_PERSON", "name": id});
    let body = [
        enveloped(&json!({"start": {}})),
        enveloped(&json!({"chunk": {"contacts": [contact("P1"), contact("P2")]}})),
        enveloped(&json!({"chunk": {"contacts": [contact("P3"), contact("")]}})),
        enveloped(&json!({"finish": {}})),
    ];
    let path = "Contacts/ImportContacts";
    let answer = call(&client, path, &tenant.name, body.concat()).await;
    let (messages, end) = answer.envelopes();
    assert_eq!(end, json!({}), "{messages:?}");
    let summary = &messages.last().unwrap()["summary"];
    assert_eq!(summary["createdCount"], "3", "{messages:?}");
    assert_eq!(summary["rejectedCount"], "1", "{messages:?}");
    // Without its end it is no import that is complete.
    let body = body[..3].concat();
    let (_, end) = call(&client, path, &tenant.name, body).await.envelopes();
    assert_eq!(reason(&end["error"]), "UPLOAD_NOT_FINISHED");
}
