//! Errors of the Connect protocol.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Tenant, WebAnswer, WebClient};

const GET_GROUP: &str = "MailingGroups/GetMailingGroup";

#[tokio::test]
async fn an_error_has_its_code_its_message_and_its_details() {
    let (client, tenant) = (WebClient::shared().await, Tenant::new().await);
    let request = json!({"code": "MOVE"});
    let answer = client.json(GET_GROUP, &tenant.name, &request).await;
    let expected = (404, "not_found".into(), "MAILING_GROUP_NOT_FOUND".into());
    assert_eq!(answer.refused(), expected);
    let error: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(error["message"], "no mailing group MOVE");
    let details = error["details"].as_array().unwrap();
    let of = |name: &str| details.iter().find(|it| it["type"] == name).unwrap();
    let info = &of("google.rpc.ErrorInfo")["debug"];
    assert_eq!(info["metadata"]["name"], "MOVE");
    let resource = &of("google.rpc.ResourceInfo")["debug"];
    assert_eq!(resource["resourceName"], "MOVE");
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_refused_with_the_place() {
    let (client, tenant) = (WebClient::shared().await, Tenant::new().await);
    for (path, message, reason, text) in [
        (GET_GROUP, "", "INVALID_ARGUMENT", "not JSON, such as {}"),
        (GET_GROUP, "{", "INVALID_ARGUMENT", "line 1 column 1"),
        (
            GET_GROUP,
            "{} {}",
            "INVALID_ARGUMENT",
            "trailing characters",
        ),
        (
            GET_GROUP,
            "[]",
            "INVALID_ARGUMENT",
            "GetMailingGroupRequest",
        ),
        (GET_GROUP, r#"{"cod": "A"}"#, "INVALID_ARGUMENT", "'cod'"),
        (
            GET_GROUP,
            r#"{"code": 1}"#,
            "INVALID_FIELD",
            "code cannot be read: invalid type",
        ),
        (
            "MailingGroups/BatchAssignMailingGroups",
            r#"{"assignments": [{"code": "A"}, {"kode": "B"}]}"#,
            "INVALID_FIELD",
            "assignments[1] cannot be read: unrecognized field name 'kode'",
        ),
        (
            "MailingGroups/ListMailingGroups",
            r#"{"pageSize": 99999999999}"#,
            "INVALID_FIELD",
            "pageSize cannot be read",
        ),
    ] {
        let post = client.post(path, "application/json");
        let post = post.header("x-tenant", &tenant.name);
        let answer = WebAnswer::of(post.body(message)).await;
        let expected = (400, "invalid_argument".into(), reason.into());
        assert_eq!(answer.refused(), expected, "{message}");
        let found = answer.error_message();
        assert!(found.contains(text), "{message}: {found}");
    }
    let post = client.post(GET_GROUP, "application/proto").body("\u{7f}");
    let expected = (400, "invalid_argument".into(), "INVALID_ARGUMENT".into());
    assert_eq!(WebAnswer::of(post).await.refused(), expected);
}

#[tokio::test]
async fn what_is_no_call_is_refused() {
    let client = WebClient::shared().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
    ] {
        let answer = WebAnswer::of(client.post(GET_GROUP, content_type).body("{}")).await;
        assert_eq!(answer.status, 415);
        let types = "application/json, application/proto";
        assert_eq!(answer.header("accept-post"), types);
    }
    // A stream has another content type than a call of one message.
    let path = "MailingGroups/StreamSegmentMembers";
    let answer = WebAnswer::of(client.post(path, "application/json").body("{}")).await;
    assert_eq!(answer.status, 415);
    assert!(answer.text().contains("application/connect+json"));
    for method in [Method::PUT, Method::DELETE, Method::HEAD] {
        let answer = WebAnswer::of(client.request(method, GET_GROUP)).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), "GET, POST");
    }
    for path in ["/", "/metrics", "/favicon.ico"] {
        let answer = WebAnswer::of(client.request(Method::GET, path)).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let path = "MailingGroups/NoSuchMethod";
    let unknown = client.json(path, "t", &json!({})).await;
    let expected = (501, "unimplemented".into(), "UNIMPLEMENTED".into());
    assert_eq!(unknown.refused(), expected);
    let post = client.post(GET_GROUP, "application/grpc").body("");
    assert_eq!(WebAnswer::of(post).await.status, 505);
}
