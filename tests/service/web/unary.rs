//! Calls of one message over the Connect protocol.

use std::io::{Read, Write};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use http::Method;
use mailing_groups::pb;
use prost::Message;
use serde_json::json;

use crate::support::{Tenant, WebAnswer, WebClient};

const GET_GROUP: &str = "MailingGroups/GetMailingGroup";

#[tokio::test]
async fn a_call_takes_and_answers_json() {
    let (client, tenant) = (WebClient::shared().await, Tenant::new().await);
    let create = json!({"mailingGroup": {"code": "move", "description": "New office"}});
    let path = "MailingGroups/CreateMailingGroup";
    let created = client.json(path, &tenant.name, &create).await;
    assert_eq!(created.header("content-type"), "application/json");
    assert!(!created.header("x-request-id").is_empty());
    let created = created.message();
    assert_eq!(created["mailingGroup"]["code"], "MOVE");
    // 64 bits do not fit into a number of JSON.
    assert_eq!(created["revision"], "1");
    let request = json!({"code": "MOVE"});
    let read = client.json(GET_GROUP, &tenant.name, &request).await;
    let read = read.message();
    assert_eq!(read["mailingGroup"], created["mailingGroup"]);
    // The names of the protos are understood too.
    let update = json!({
        "mailing_group": {"code": "MOVE", "description": "Old office"},
        "update_mask": "description",
    });
    let path = "MailingGroups/UpdateMailingGroup";
    let updated = client.json(path, &tenant.name, &update).await.message();
    assert_eq!(updated["mailingGroup"]["description"], "Old office");
    // It is a call as any other.
    let mut tenant = tenant;
    let by_grpc = tenant.get_group("MOVE").await.unwrap();
    assert_eq!(by_grpc.description, "Old office");
}

#[tokio::test]
async fn a_mask_of_json_names_attributes() {
    let (client, tenant) = (WebClient::shared().await, Tenant::new().await);
    let attributes = json!({"territory": "CH", "customer_class": "A", "class_2": "x"});
    let create = json!({"contact": {"id": "P", "kind": "CONTACT_KIND_PERSON", "name": "Ada",
        "attributes": attributes}});
    let created = client
        .json("Contacts/CreateContact", &tenant.name, &create)
        .await;
    assert_eq!(created.message()["contact"]["attributes"], attributes);
    // Paths are lowerCamelCase, and keys are parts of them.
    let update = |mask: &str| {
        json!({"contact": {"id": "P", "attributes": {"territory": "DE", "class_2": "y"}},
            "updateMask": mask})
    };
    let path = "Contacts/UpdateContact";
    let masked = update("attributes.territory,attributes.customerClass");
    let updated = client.json(path, &tenant.name, &masked).await.message();
    let expected = json!({"territory": "DE", "class_2": "x"});
    assert_eq!(updated["contact"]["attributes"], expected);
    let refused = update("attributes.class_2");
    let refused = client.json(path, &tenant.name, &refused).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("updateMask"), "{}", refused.text());
    let all = client.json(path, &tenant.name, &update("attributes")).await;
    let expected = json!({"territory": "DE", "class_2": "y"});
    assert_eq!(all.message()["contact"]["attributes"], expected);
}

#[tokio::test]
async fn a_call_takes_and_answers_protobuf() {
    let (client, mut tenant) = (WebClient::shared().await, Tenant::new().await);
    let group = tenant.group("MOVE").await;
    let request = pb::GetMailingGroupRequest {
        code: "MOVE".into(),
    };
    let post = client.post(GET_GROUP, "application/proto");
    let post = post.header("x-tenant", &tenant.name);
    let answer = WebAnswer::of(post.body(request.encode_to_vec())).await;
    assert_eq!(answer.header("content-type"), "application/proto");
    let answer = pb::GetMailingGroupResponse::decode(answer.body).unwrap();
    assert_eq!(answer.mailing_group, Some(group));
}

#[tokio::test]
async fn a_read_can_be_a_get() {
    let (client, mut tenant) = (WebClient::shared().await, Tenant::new().await);
    tenant.group("MOVE").await;
    let request = pb::GetMailingGroupRequest {
        code: "MOVE".into(),
    };
    let binary = URL_SAFE_NO_PAD.encode(request.encode_to_vec());
    let queries = [
        "connect=v1&encoding=json&message=%7B%22code%22:%22MOVE%22%7D".to_owned(),
        format!("connect=v1&encoding=proto&base64=1&message={binary}"),
    ];
    for query in queries {
        let get = client.request(Method::GET, &format!("{GET_GROUP}?{query}"));
        let answer = WebAnswer::of(get.header("x-tenant", &tenant.name)).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.body.windows(4).any(|it| it == b"MOVE"));
    }
    let get = client.request(Method::GET, &format!("{GET_GROUP}?encoding=json"));
    let refused = WebAnswer::of(get).await;
    let expected = (400, "invalid_argument".into(), "INVALID_FIELD".into());
    assert_eq!(refused.refused(), expected);
    assert!(refused.error_message().starts_with("message must be set"));
    for path in [
        "MailingGroups/DeleteMailingGroup",
        "MailingGroups/WatchChanges",
    ] {
        let answer = WebAnswer::of(client.request(Method::GET, path)).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), "POST");
    }
}

#[tokio::test]
async fn messages_are_compressed_if_both_sides_want_it() {
    let (client, mut tenant) = (WebClient::shared().await, Tenant::new().await);
    for number in 0..30 {
        tenant.group(&format!("G{number}")).await;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(br#"{"pageSize": 30}"#).unwrap();
    let post = client.post("MailingGroups/ListMailingGroups", "application/json");
    let post = post.header("x-tenant", &tenant.name);
    let post = post.header("content-encoding", "gzip");
    let post = post.header("accept-encoding", "br, gzip");
    let answer = WebAnswer::of(post.body(encoder.finish().unwrap())).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    let mut json = String::new();
    GzDecoder::new(&*answer.body)
        .read_to_string(&mut json)
        .unwrap();
    assert!(json.contains("\"G29\""), "{json}");
    let post = client.post(GET_GROUP, "application/json");
    let refused = WebAnswer::of(post.header("content-encoding", "br").body("{}")).await;
    let expected = (501, "unimplemented".into(), "UNIMPLEMENTED".into());
    assert_eq!(refused.refused(), expected);
}

#[tokio::test]
async fn metadata_are_headers() {
    let (client, mut tenant) = (WebClient::shared().await, Tenant::new().await);
    tenant.group("MOVE").await;
    let body = r#"{"code": "MOVE"}"#;
    let post = |name: &str, value: &str| {
        let post = client.post(GET_GROUP, "application/json; charset=utf-8");
        WebAnswer::of(post.header(name, value).body(body))
    };
    let with_id = post("x-request-id", "my-id").await;
    assert_eq!(with_id.header("x-request-id"), "my-id");
    let (_, _, reason) = with_id.refused();
    assert_eq!(reason, "MAILING_GROUP_NOT_FOUND", "another tenant");
    for (name, value) in [
        ("x-tenant", "No Name"),
        ("connect-protocol-version", "2"),
        ("connect-timeout-ms", "soon"),
    ] {
        let refused = post(name, value).await;
        assert!(refused.error_message().starts_with(name), "{refused:?}");
        let expected = (400, "invalid_argument".into(), "INVALID_FIELD".into());
        assert_eq!(refused.refused(), expected);
    }
    let expected = (504, "deadline_exceeded".into(), "DEADLINE_EXCEEDED".into());
    assert_eq!(post("connect-timeout-ms", "0").await.refused(), expected);
    // That of gRPC is none of this protocol.
    assert_eq!(post("grpc-timeout", "0m").await.status, 404);
}
