//! Limits of connections.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use mailing_groups::server::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::Code;

use super::{
    frames::{Frames, GOAWAY, PING},
    raw::{Call, Client, GET, IMPORT, framed},
    server::Server,
};
use crate::support::{eventually, within};

async fn answers(client: &Client) -> bool {
    let call = client.call(GET, &[], ());
    within(call)
        .await
        .is_ok_and(|answer| answer.status.code() == Code::Ok)
}

/// Connects and makes a call; `None` if the server closes the connection.
async fn served(address: SocketAddr) -> Option<Client> {
    let client = within(Client::connect(address)).await.ok()?;
    answers(&client).await.then_some(client)
}

#[tokio::test]
async fn the_settings_limit_the_concurrent_calls() {
    let limits = Limits {
        max_concurrent_streams: 7,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let client = server.client().await;
    eventually(async || (client.max_concurrent_streams() == 7).then_some(())).await;
}

#[tokio::test]
async fn a_connection_over_the_limit_is_closed_until_another_ends() {
    let limits = Limits {
        max_connections: 2,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let first = served(server.address).await.expect("served");
    let second = served(server.address).await.expect("served");
    assert!(served(server.address).await.is_none());
    assert!(
        answers(&first).await && answers(&second).await,
        "the others are unharmed"
    );
    drop(first);
    eventually(|| served(server.address)).await;
}

async fn is_closed_and_gives_its_place_back(sent: &[u8]) {
    let limits = Limits {
        preface_timeout: Duration::from_millis(100),
        max_connections: 1,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let began = Instant::now();
    let mut silent = within(TcpStream::connect(server.address))
        .await
        .expect("connected");
    silent.write_all(sent).await.expect("sent");
    // The server's settings come first, then the end, clean or not.
    let _ = within(silent.read_to_end(&mut Vec::new())).await;
    let lived = began.elapsed();
    assert!(lived >= Duration::from_millis(100), "{lived:?}");
    eventually(|| served(server.address)).await;
}

#[tokio::test]
async fn a_silent_client_is_closed_and_releases_its_permit() {
    is_closed_and_gives_its_place_back(b"").await;
}

#[tokio::test]
async fn a_client_with_half_a_preface_is_closed_and_releases_its_permit() {
    is_closed_and_gives_its_place_back(b"PRI * HTTP/2").await;
}

/// A connection with an open call, and its server, whose connections live as long as it takes to
/// open one.
async fn opened_before_its_age() -> (Server, Client, Call) {
    let mut limits = Limits {
        max_connection_age: Duration::from_millis(200),
        ..Limits::default()
    };
    loop {
        let server = Server::start(limits.clone()).await;
        let client = within(Client::connect(server.address)).await;
        if let Ok(client) = client
            && let Ok(open) = within(client.open(IMPORT, &[("x-act", "echo")])).await
        {
            return (server, client, open);
        }
        limits.max_connection_age *= 2;
    }
}

#[tokio::test]
async fn an_old_connection_accepts_no_new_calls_and_finishes_its_open_ones() {
    let (server, client, mut open) = opened_before_its_age().await;
    open.requests.send_data(framed(&[]), false).expect("sent");
    eventually(async || client.open(GET, &[]).await.err()).await;
    open.requests.send_data(framed(&[]), true).expect("sent");
    let answer = within(open.answer()).await.expect("an answer");
    assert_eq!(answer.status.code(), Code::Ok);
    assert!(answer.data.len() > 2000, "both echoes");
    eventually(|| served(server.address)).await;
}

#[tokio::test]
async fn calls_that_are_cancelled_at_once_do_not_end_their_connection() {
    let server = Server::start(Limits::default()).await;
    let mut frames = Frames::connect(server.address).await;
    // As many as may be open at a time.
    for number in 0..256 {
        frames.open_call(2 * number + 1);
        frames.cancel_call(2 * number + 1);
    }
    frames.ping();
    frames.send().await;
    let ended = frames.until(&[PING, GOAWAY]).await;
    assert_eq!(ended, PING);
}
