//! A shutdown notifies clients, waits for the open calls, and ends.

use std::time::{Duration, Instant};

use mailing_groups::server::{Limits, Shutdown};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt;

use super::{
    frames::{DATA, Frames, GOAWAY},
    raw::{IMPORT, error_info},
    server::Server,
};
use crate::support::{PATIENCE, eventually, within};

/// No timeout ends a shutdown in the time that a test waits.
fn patient() -> Limits {
    Limits {
        drain_timeout: 10 * PATIENCE,
        preface_timeout: 10 * PATIENCE,
        ..Limits::default()
    }
}

#[tokio::test]
async fn streams_that_observe_the_shutdown_end_with_their_own_status() {
    let mut server = Server::start(patient()).await;
    let client = server.client().await;
    let stream = within(client.open(IMPORT, &[("x-act", "heed")]))
        .await
        .expect("a call");
    server.handler_started().await;
    server.shutdown.cancel();
    let answer = within(stream.answer()).await.expect("an answer");
    assert_eq!(answer.status.code(), Code::Ok);
    assert!(answer.data.len() > 1000, "its last message");
    drop(client);
    assert_eq!(server.ended().await, Shutdown::Clean);
}

#[tokio::test]
async fn other_streams_end_with_unavailable_after_the_grace_period() {
    let limits = Limits {
        drain_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let mut server = Server::start(limits).await;
    let client = server.client().await;
    let stream = within(client.open(IMPORT, &[("x-act", "hang")]))
        .await
        .expect("a call");
    let early = within(client.open(IMPORT, &[("x-act", "late")]))
        .await
        .expect("a call");
    server.handler_started().await;
    server.handler_started().await;
    let began = Instant::now();
    server.shutdown.cancel();
    for call in [stream, early] {
        let status = within(call.answer()).await.expect("an answer").status;
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(error_info(&status).reason, "SHUTTING_DOWN");
        assert!(status.get_details_retry_info().is_some());
    }
    let left = Shutdown::Forced {
        connections: 1,
        calls: 2,
    };
    assert_eq!(server.ended().await, left);
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(200), "{took:?}");
}

#[tokio::test]
async fn silent_clients_do_not_delay_the_shutdown() {
    let mut server = Server::start(patient()).await;
    let _silent = within(TcpStream::connect(server.address))
        .await
        .expect("connected");
    let mut half = within(TcpStream::connect(server.address))
        .await
        .expect("connected");
    half.write_all(b"PRI * HTTP/2").await.expect("sent");
    let client = server.client().await;
    // The server has accepted all three when it serves the last.
    let stream = within(client.open(IMPORT, &[("x-act", "heed")]))
        .await
        .expect("a call");
    server.handler_started().await;
    server.shutdown.cancel();
    within(stream.answer()).await.expect("an answer");
    drop(client);
    assert_eq!(server.ended().await, Shutdown::Clean);
}

#[tokio::test]
async fn an_unread_stream_does_not_delay_the_shutdown() {
    let mut server = Server::start(patient()).await;
    let client = server.client().await;
    let unread = within(client.open(IMPORT, &[("x-act", "flood")]))
        .await
        .expect("a call");
    server.handler_started().await;
    server.shutdown.cancel();
    server.handler_dropped().await;
    assert_eq!(server.ended().await, Shutdown::Clean);
    drop(unread);
}

#[tokio::test]
async fn health_watches_get_not_serving_and_end() {
    let server = Server::start_unready().await;
    let mut client = HealthClient::new(server.channel());
    let watch = client.watch(HealthCheckRequest::default());
    let mut changes = within(watch).await.expect("a stream").into_inner();
    let first = within(changes.message())
        .await
        .expect("no error")
        .expect("a status");
    assert_eq!(first.status(), ServingStatus::NotServing);
    server
        .ready
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let second = within(changes.message())
        .await
        .expect("no error")
        .expect("a status");
    assert_eq!(second.status(), ServingStatus::Serving);

    server.shutdown.cancel();
    let last = within(changes.message())
        .await
        .expect("no error")
        .expect("a status");
    assert_eq!(last.status(), ServingStatus::NotServing);
    let end = within(changes.message()).await.expect_err("the end");
    assert_eq!(end.code(), Code::Unavailable);
    drop((changes, client));
    assert_eq!(server.ended().await, Shutdown::Clean);
}

#[tokio::test]
async fn the_port_is_closed_while_calls_are_open() {
    let mut server = Server::start(patient()).await;
    let client = server.client().await;
    let stream = within(client.open(IMPORT, &[("x-act", "hang")]))
        .await
        .expect("a call");
    server.handler_started().await;
    server.shutdown.cancel();
    let address = server.address;
    eventually(async || TcpStream::connect(address).await.err()).await;
    drop((stream, client));
    assert_eq!(server.ended().await, Shutdown::Clean);
}

/// A connection that never answers a ping, and has made a call.
async fn served(server: &Server) -> Frames {
    let mut frames = Frames::connect(server.address).await;
    frames.call(1);
    frames.send().await;
    frames.until(&[DATA]).await;
    frames
}

#[tokio::test]
async fn calls_are_served_until_the_final_goaway() {
    let server = Server::start(patient()).await;
    let mut frames = served(&server).await;
    server.shutdown.cancel();
    frames.until(&[GOAWAY]).await;
    // Only after the answer to a ping does the server say which call is the last.
    frames.call(3);
    frames.send().await;
    // A refusal has no message.
    frames.until(&[DATA]).await;
    drop(frames);
    assert_eq!(server.ended().await, Shutdown::Clean);
}

/// Its client has sent a call, but nobody has accepted it before the shutdown.
#[tokio::test]
async fn a_connection_in_the_backlog_is_served() {
    let server = Server::start(patient()).await;
    // The runtime has one thread, which accepts nothing until this test waits.
    let stream = std::net::TcpStream::connect(server.address).expect("a listener");
    server.shutdown.cancel();
    stream.set_nonblocking(true).expect("a socket");
    let mut frames = Frames::over(TcpStream::from_std(stream).expect("a socket"));
    frames.call(1);
    frames.send().await;
    frames.until(&[DATA]).await;
    drop(frames);
    assert_eq!(server.ended().await, Shutdown::Clean);
}

#[tokio::test]
async fn connections_without_calls_do_not_delay_the_shutdown() {
    let server = Server::start(patient()).await;
    let _idle = served(&server).await;
    let mut half = served(&server).await;
    half.half_open(3);
    half.send().await;
    let began = Instant::now();
    server.shutdown.cancel();
    assert_eq!(server.ended().await, Shutdown::Clean);
    println!("{:?}", began.elapsed());
}
