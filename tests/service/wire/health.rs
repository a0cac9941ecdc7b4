//! Health follows readiness, for the server and each service alike.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use mailing_groups::server::Limits;
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{
    raw::error_info,
    server::{CONTACTS, Server},
};
use crate::support::{eventually, within};

async fn status(client: &HealthClient<Channel>, service: &str) -> ServingStatus {
    let service = service.to_owned();
    let mut client = client.clone();
    let check = client.check(HealthCheckRequest { service });
    within(check)
        .await
        .expect("an answer")
        .into_inner()
        .status()
}

/// Waits until both are `expected`; how long that took.
async fn becomes(client: &HealthClient<Channel>, expected: ServingStatus) -> Duration {
    let began = Instant::now();
    for service in ["", CONTACTS] {
        eventually(async || (status(client, service).await == expected).then_some(())).await;
    }
    began.elapsed()
}

#[tokio::test]
async fn health_follows_readiness_within_two_seconds() {
    let server = Server::start(Limits::default()).await;
    let client = HealthClient::new(server.channel());
    becomes(&client, ServingStatus::Serving).await;
    // The shortest of some, because the machine may be busy.
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..3 {
        server.ready.store(false, Ordering::SeqCst);
        let stopped = becomes(&client, ServingStatus::NotServing).await;
        server.ready.store(true, Ordering::SeqCst);
        let started = becomes(&client, ServingStatus::Serving).await;
        shortest = [shortest[0].min(stopped), shortest[1].min(started)];
    }
    let limit = Duration::from_secs(2);
    assert!(shortest.iter().all(|it| *it < limit), "{shortest:?}");
}

#[tokio::test]
async fn a_server_that_was_never_ready_is_not_serving() {
    let server = Server::start_unready().await;
    let client = HealthClient::new(server.channel());
    for service in ["", CONTACTS] {
        assert_eq!(status(&client, service).await, ServingStatus::NotServing);
    }
}

#[tokio::test]
async fn an_unknown_service_has_no_health() {
    let server = Server::start(Limits::default()).await;
    let mut client = HealthClient::new(server.channel());
    let service = "no.such.Service".to_owned();
    let check = client.check(HealthCheckRequest { service });
    let status = within(check).await.expect_err("unknown");
    assert_eq!(
        (status.code(), error_info(&status).reason.as_str()),
        (Code::NotFound, "NOT_FOUND")
    );
}

#[tokio::test]
async fn a_watch_of_an_unknown_service_says_so_and_stays_open() {
    let server = Server::start(Limits::default()).await;
    let mut client = HealthClient::new(server.channel());
    let service = "no.such.Service".to_owned();
    let watch = client.watch(HealthCheckRequest { service });
    let mut changes = within(watch).await.expect("a stream").into_inner();
    let first = within(changes.message()).await.expect("no error");
    let status = first.expect("a status").status();
    assert_eq!(status, ServingStatus::ServiceUnknown);
    // An end would come before the answer to the next call on the connection.
    within(client.check(HealthCheckRequest::default()))
        .await
        .expect("an answer");
    let next = changes.message().now_or_never();
    assert!(next.is_none(), "{next:?}");
}

#[tokio::test]
async fn a_watch_sees_every_change() {
    let server = Server::start_unready().await;
    let mut client = HealthClient::new(server.channel());
    let watch = client.watch(HealthCheckRequest::default());
    let mut changes = within(watch).await.expect("a stream").into_inner();
    for expected in [
        ServingStatus::NotServing,
        ServingStatus::Serving,
        ServingStatus::NotServing,
    ] {
        server
            .ready
            .store(expected == ServingStatus::Serving, Ordering::SeqCst);
        let change = within(changes.message()).await.expect("no error");
        assert_eq!(change.expect("a change").status(), expected);
    }
}
