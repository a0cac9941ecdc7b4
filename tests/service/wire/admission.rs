//! The limits of concurrent calls and streams, and of answers that are not read.

use std::time::Duration;

use mailing_groups::server::Limits;
use tonic::{Code, Status};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt;

use super::{
    raw::{Call, Client, GET, IMPORT, error_info, framed, read},
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

async fn open(client: &Client, path: &str, headers: &[(&str, &str)]) -> Call {
    within(client.open(path, headers)).await.expect("a call")
}

fn assert_overloaded(status: &Status) {
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(error_info(status).reason, "OVERLOADED");
    let retry = status.get_details_retry_info().expect("RetryInfo");
    let delay = retry.retry_delay.expect("a delay");
    assert!((500..=1_500).contains(&delay.as_millis()), "{delay:?}");
    let pushback = status.metadata().get("grpc-retry-pushback-ms");
    let expected = delay.as_millis().to_string();
    assert_eq!(pushback.expect("pushback"), expected.as_str());
}

/// A call that hangs, and a client for others.
async fn hanging(server: &mut Server) -> (Call, Client) {
    let client = server.client().await;
    let mut call = open(&client, GET, &[("x-act", "hang")]).await;
    call.requests.send_data(framed(&[]), true).expect("sent");
    server.handler_started().await;
    (call, client)
}

#[tokio::test]
async fn a_call_over_the_limit_is_unavailable_until_another_ends() {
    let mut server = Server::start(one_call()).await;
    let (hanging, client) = hanging(&mut server).await;
    let call = client.call(GET, &[], ());
    assert_overloaded(&within(call).await.expect("an answer").status);
    drop(hanging);
    server.handler_dropped().await;
    eventually(async || (code(&client).await == Code::Ok).then_some(())).await;
}

#[tokio::test]
async fn a_full_server_still_answers_health_checks() {
    let mut server = Server::start(one_call()).await;
    let _hanging = hanging(&mut server).await;
    let mut health = HealthClient::new(server.channel());
    let check = health.check(HealthCheckRequest::default());
    within(check).await.expect("an answer");
}

#[tokio::test]
async fn a_tenant_has_half_of_the_streams_and_calls_have_places_of_their_own() {
    let limits = Limits {
        max_calls: 1,
        max_streams: 2,
        ..Limits::default()
    };
    let mut server = Server::start(limits).await;
    let client = server.client().await;
    let hang = |tenant| [("x-act", "hang"), ("x-tenant", tenant)];
    let mut streams = vec![];
    for tenant in ["a", "b"] {
        streams.push(open(&client, IMPORT, &hang(tenant)).await);
        server.handler_started().await;
        let refused = open(&client, IMPORT, &hang(tenant)).await.answer();
        assert_overloaded(&within(refused).await.expect("an answer").status);
    }
    assert_eq!(code(&client).await, Code::Ok);
    streams.remove(0);
    server.handler_dropped().await;
    eventually(async || {
        let stream = open(&client, IMPORT, &hang("a")).await.headers();
        let headers = within(stream).await.expect("an answer");
        // An error comes with the headers.
        (!headers.headers().contains_key("grpc-status")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn health_watches_and_reflection_are_bounded_on_their_own() {
    let limits = Limits {
        max_streams: 1,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let client = server.client().await;
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let first = open(&client, path, &[]).await;
    let second = within(open(&client, path, &[]).await.answer()).await;
    assert_overloaded(&second.expect("an answer").status);
    let stream = open(&client, IMPORT, &[("x-act", "hang")]).await.headers();
    let stream = within(stream).await.expect("an answer");
    assert!(!stream.headers().contains_key("grpc-status"));
    drop(first);
}

#[tokio::test]
async fn an_unread_answer_keeps_its_place_for_a_time() {
    let limits = Limits {
        unread_timeout: Duration::from_millis(100),
        ..one_call()
    };
    let server = Server::start(limits).await;
    let client = within(Client::unreading(server.address));
    let client = client.await.expect("connected");
    let mut call = open(&client, GET, &[]).await;
    call.requests.send_data(framed(&[]), true).expect("sent");
    let _unread = within(call.headers()).await.expect("an answer");
    let client = server.client().await;
    eventually(async || (code(&client).await == Code::Ok).then_some(())).await;
}

#[tokio::test]
async fn a_stream_that_is_not_read_ends_with_a_reason() {
    let limits = Limits {
        unread_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let mut server = Server::start(limits).await;
    let client = server.client().await;
    let call = open(&client, IMPORT, &[("x-act", "flood")]).await.headers();
    let unread = within(call).await.expect("an answer");
    server.handler_dropped().await;
    let status = within(read(unread)).await.expect("an answer").status;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("not read"), "{status:?}");
}

#[tokio::test]
async fn an_unread_stream_releases_its_permit_at_its_deadline() {
    // A deadline that is long enough for a call to be refused meanwhile.
    for timeout in ["1S", "5S", "25S"] {
        let limits = Limits {
            max_streams: 1,
            ..Limits::default()
        };
        let mut server = Server::start(limits).await;
        let client = server.client().await;
        let headers = [("grpc-timeout", timeout), ("x-act", "flood")];
        let _unread = within(client.open(IMPORT, &headers)).await.expect("a call");
        server.handler_started().await;
        // The unread messages fill their connection's window, so the calls use another one.
        let client = server.client().await;
        let echo = async || {
            let call = client.call(IMPORT, &[("x-act", "echo")], ());
            within(call).await.expect("an answer").status.code()
        };
        let refused = echo().await == Code::Unavailable;
        eventually(async || (echo().await == Code::Ok).then_some(())).await;
        if refused {
            return;
        }
    }
    panic!("no call was refused");
}
