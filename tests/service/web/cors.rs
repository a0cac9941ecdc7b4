//! Which web pages may call.

use http::Method;

use crate::support::{ORIGIN, WebAnswer, WebClient};

const GET_GROUP: &str = "MailingGroups/GetMailingGroup";

async fn preflight(client: &WebClient, origin: &str) -> WebAnswer {
    let asked = client.request(Method::OPTIONS, GET_GROUP);
    let asked = asked.header("origin", origin);
    let asked = asked.header("access-control-request-method", "POST");
    let headers = "content-type,x-tenant,authorization,x-user-agent,x-grpc-web,grpc-timeout,\
        connect-protocol-version,connect-timeout-ms";
    WebAnswer::of(asked.header("access-control-request-headers", headers)).await
}

#[tokio::test]
async fn pages_of_an_allowed_origin_may_call_and_read_errors() {
    let client = WebClient::shared().await;
    let allowed = preflight(&client, ORIGIN).await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(allowed.header("access-control-allow-methods"), "GET,POST");
    let headers = allowed.header("access-control-allow-headers");
    for name in [
        "authorization",
        "connect-protocol-version",
        "connect-timeout-ms",
        "content-type",
        "grpc-timeout",
        "x-grpc-web",
        "x-tenant",
        "x-user-agent",
    ] {
        assert!(headers.split(',').any(|it| it == name), "{name}: {headers}");
    }
    let post = client
        .post(GET_GROUP, "application/json")
        .header("origin", ORIGIN);
    let answer = WebAnswer::of(post.body("{}")).await;
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    let exposed = answer.header("access-control-expose-headers");
    for name in [
        "grpc-message",
        "grpc-status",
        "grpc-status-details-bin",
        "x-request-id",
    ] {
        assert!(exposed.split(',').any(|it| it == name), "{name}: {exposed}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_not_let_in() {
    let client = WebClient::shared().await;
    for origin in ["https://evil.example.com", "http://crm.example.com", "null"] {
        let answer = preflight(&client, origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
}
