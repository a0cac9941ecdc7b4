//! The limit of concurrent calls.

use std::time::Duration;

use mailing_groups::server::Limits;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt;

use super::{
    raw::{Client, GET, IMPORT, error_info},
    server::Server,
};
use crate::support::{eventually, within};

fn one_call() -> Limits {
    Limits {
        max_calls: 1,
        ..Limits::default()
    }
}

async fn code(client: &Client) -> Code {
    let call = client.call(GET, &[], ());
    within(call).await.expect("an answer").status.code()
}

#[tokio::test]
async fn a_call_over_the_limit_is_unavailable_until_a_stream_ends() {
    let mut server = Server::start(one_call()).await;
    let client = within(Client::connect(server.address))
        .await
        .expect("connected");
    let stream = within(client.open(IMPORT, &[("x-act", "hang")]))
        .await
        .expect("a call");
    server.handler_started().await;

    let call = client.call(GET, &[], ());
    let status = within(call).await.expect("an answer").status;
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(error_info(&status).reason, "OVERLOADED");
    let retry = status.get_details_retry_info().expect("RetryInfo");
    assert_eq!(retry.retry_delay, Some(Duration::from_secs(1)));
    assert_eq!(
        status
            .metadata()
            .get("grpc-retry-pushback-ms")
            .expect("pushback"),
        "1000"
    );

    drop(stream);
    server.handler_dropped().await;
    eventually(async || (code(&client).await == Code::Ok).then_some(())).await;
}

#[tokio::test]
async fn a_full_server_still_answers_health_checks() {
    let mut server = Server::start(one_call()).await;
    let client = within(Client::connect(server.address))
        .await
        .expect("connected");
    let _stream = within(client.open(IMPORT, &[("x-act", "hang")]))
        .await
        .expect("a call");
    server.handler_started().await;
    let mut health = HealthClient::new(server.channel());
    let check = health.check(HealthCheckRequest::default());
    within(check).await.expect("an answer");
}

#[tokio::test]
async fn an_unread_stream_releases_its_permit_at_its_deadline() {
    // A deadline that is long enough for a call to be refused meanwhile.
    for timeout in ["1S", "5S", "25S"] {
        let mut server = Server::start(one_call()).await;
        let client = within(Client::connect(server.address))
            .await
            .expect("connected");
        let headers = [("grpc-timeout", timeout), ("x-act", "flood")];
        let _unread = within(client.open(IMPORT, &headers)).await.expect("a call");
        server.handler_started().await;
        // The unread messages fill their connection's window, so the calls use another one.
        let client = within(Client::connect(server.address))
            .await
            .expect("connected");
        let refused = code(&client).await == Code::Unavailable;
        eventually(async || (code(&client).await == Code::Ok).then_some(())).await;
        if refused {
            return;
        }
    }
    panic!("no call was refused");
}
