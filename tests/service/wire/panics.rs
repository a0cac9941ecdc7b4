//! A panic ends one call with INTERNAL and affects no other call.

use mailing_groups::server::Limits;
use tonic::Code;

use super::{
    raw::{Answer, GET, IMPORT, error_info, framed},
    server::Server,
};
use crate::support::within;

fn assert_internal(answer: &Answer) {
    let id = answer.headers["x-request-id"].to_str().expect("text");
    assert_eq!(answer.status.code(), Code::Internal);
    assert_eq!(
        answer.status.message(),
        format!("internal error; request id {id}")
    );
    let info = error_info(&answer.status);
    assert_eq!(
        (info.reason.as_str(), info.metadata["request_id"].as_str()),
        ("INTERNAL", id)
    );
}

#[tokio::test]
async fn a_panic_is_internal_and_leaves_the_connections_other_calls_alone() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let mut other = within(client.open(IMPORT, &[("x-act", "echo")]))
        .await
        .expect("a call");
    other.requests.send_data(framed(&[]), false).expect("sent");

    for path in [GET, IMPORT] {
        let headers = [("x-act", "panic")];
        let call = client.call(path, &headers, ());
        let answer = within(call).await.expect("an answer");
        assert_internal(&answer);
        assert_eq!(answer.trailers_only, path == GET);
        assert!(!format!("{:?}", answer.status).contains("secret"));
    }

    other.requests.send_data(framed(&[]), true).expect("sent");
    let answer = within(other.answer()).await.expect("an answer");
    assert_eq!(answer.status.code(), Code::Ok);
    assert!(answer.data.len() > 2000, "both echoes");
}
