//! Who calls by browser or curl.

use serde_json::json;

use super::scene::{Scene, api_key};
use crate::support::{WebAnswer, WebClient};

const GET_GROUP: &str = "MailingGroups/GetMailingGroup";

#[tokio::test]
async fn calls_over_http_need_credentials_too() {
    let key = "mgk_web";
    let scene = Scene::start(&api_key(key, "web", &["acme"], "reader")).await;
    let client = WebClient::of(scene.server.web);
    let call = |path: &str, authorization: &str| {
        let post = client.post(path, "application/json");
        let post = post.header("authorization", authorization);
        // Who may not call does not learn whether the message is valid.
        WebAnswer::of(post.body("{"))
    };
    let missing = client.json(GET_GROUP, "acme", &json!({})).await;
    let expected = (401, "unauthenticated".into(), "CREDENTIALS_MISSING".into());
    assert_eq!(missing.refused(), expected);
    assert_eq!(missing.header("www-authenticate"), "Bearer");
    let invalid = call(GET_GROUP, "Bearer mgk_other").await;
    let expected = (401, "unauthenticated".into(), "CREDENTIALS_INVALID".into());
    assert_eq!(invalid.refused(), expected);
    let bearer = format!("Bearer {key}");
    let write = call("MailingGroups/CreateMailingGroup", &bearer).await;
    let expected = (403, "permission_denied".into(), "ACCESS_DENIED".into());
    assert_eq!(write.refused(), expected);
    let read = call(GET_GROUP, &bearer).await;
    let expected = (400, "invalid_argument".into(), "INVALID_ARGUMENT".into());
    assert_eq!(read.refused(), expected);
    let post = client.post("Identity/WhoAmI", "application/json");
    let who = WebAnswer::of(post.header("authorization", bearer).body("{}")).await;
    assert_eq!(who.message()["principal"], "web");
}
