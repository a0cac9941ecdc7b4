//! A call ends at its deadline with DEADLINE_EXCEEDED, read or unread.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use mailing_groups::{
    pb::{GetContactRequest, contacts_client::ContactsClient},
    server::Limits,
};
use tonic::{Code, Request};

use super::{
    raw::{GET, IMPORT, error_info, read},
    server::Server,
};
use crate::support::{PATIENCE, within};

/// Makes a call with increasing deadlines, until the handler has run far enough, which `attempt`
/// checks.
async fn until_in_time<T>(mut attempt: impl AsyncFnMut(&str) -> Option<T>) -> T {
    for timeout in ["200m", "1S", "5S", "25S"] {
        if let Some(result) = attempt(timeout).await {
            return result;
        }
    }
    panic!("no handler is as fast as its deadline");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_deadlines_are_exceeded_and_never_cancelled() {
    let server = Server::start(Limits::default()).await;
    let client = &server.client().await;
    let calls = stream::iter(0..200).map(|i| async move {
        let timeout = Duration::from_millis(20 + i % 31);
        let header = format!("{}m", timeout.as_millis());
        // The handler that is always ready to run makes the server's own timers race.
        let act = if i % 4 == 0 { "spin" } else { "hang" };
        let headers = [("grpc-timeout", header.as_str()), ("x-act", act)];
        let began = Instant::now();
        let answer = client.call(GET, &headers, ()).await.expect("an answer");
        assert!(began.elapsed() >= timeout - timeout / 8, "too early");
        answer.status
    });
    let answers: Vec<_> = within(calls.buffer_unordered(8).collect()).await;
    assert_eq!(answers.len(), 200);
    for status in answers {
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        assert_eq!(error_info(&status).reason, "DEADLINE_EXCEEDED");
    }
}

#[tokio::test]
async fn a_tonic_client_sees_the_deadline_exceeded() {
    // The server's cap and not the caller's timeout: for that tonic's client has a timer of its
    // own, and reports CANCELLED if it is the first.
    let limits = Limits {
        max_unary_time: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut client = ContactsClient::new(server.channel());
    let mut request = Request::new(GetContactRequest::default());
    request
        .metadata_mut()
        .insert("x-act", "hang".parse().expect("metadata"));
    let status = within(client.get_contact(request))
        .await
        .expect_err("hangs");
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(error_info(&status).reason, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn an_expired_call_does_not_reach_the_handler() {
    let mut server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let headers = [("grpc-timeout", "0n"), ("x-act", "hang")];
    let answer = within(client.call(GET, &headers, ()))
        .await
        .expect("an answer");
    assert_eq!(answer.status.code(), Code::DeadlineExceeded);
    assert!(server.started.try_recv().is_err());
}

#[tokio::test]
async fn the_handler_is_dropped_at_its_deadline() {
    let mut server = Server::start(Limits::default()).await;
    let client = server.client().await;
    for (path, act) in [(GET, "hang"), (IMPORT, "late"), (IMPORT, "hang")] {
        until_in_time(async |timeout| {
            let headers = [("grpc-timeout", timeout), ("x-act", act)];
            let answer = within(client.call(path, &headers, ()))
                .await
                .expect("an answer");
            assert_eq!(answer.status.code(), Code::DeadlineExceeded);
            server.started.try_recv().ok()?;
            server.handler_dropped().await;
            let expected = act != "hang" || path == GET;
            (answer.trailers_only == expected).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_stream_ends_at_its_deadline_after_its_pending_messages() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let answer = until_in_time(async |timeout| {
        let headers = [("grpc-timeout", timeout), ("x-act", "hang")];
        let call = within(client.open(IMPORT, &headers)).await.expect("a call");
        // The call is neither closed nor reset from this side.
        let answer = within(call.answer()).await.expect("trailers");
        (!answer.trailers_only).then_some(answer)
    })
    .await;
    assert!(answer.data.len() > 1000, "the first message");
    assert_eq!(answer.status.code(), Code::DeadlineExceeded);
    assert_eq!(error_info(&answer.status).reason, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn an_unread_stream_is_dropped_at_its_deadline() {
    let mut server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let response = until_in_time(async |timeout| {
        let headers = [("grpc-timeout", timeout), ("x-act", "flood")];
        let call = within(client.open(IMPORT, &headers)).await.expect("a call");
        let response = within(call.headers()).await.expect("headers");
        server.started.try_recv().ok().map(|_| response)
    })
    .await;
    // Nothing is read, so the flow-control window is full and the server's writer blocked.
    server.handler_dropped().await;
    let answer = within(read(response)).await.expect("the rest");
    assert_eq!(answer.status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_call_without_a_deadline_gets_the_limit_of_its_kind() {
    let limits = Limits {
        max_unary_time: Duration::from_millis(50),
        max_stream_time: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let client = server.client().await;
    for (path, timeout) in [
        (GET, None),
        (IMPORT, None),
        (GET, Some("1H")),
        (IMPORT, Some("1H")),
    ] {
        let headers = [
            ("grpc-timeout", timeout.unwrap_or("none")),
            ("x-act", "hang"),
        ];
        let answer = within(client.call(path, &headers, ()))
            .await
            .expect("an answer");
        assert_eq!(
            answer.status.code(),
            Code::DeadlineExceeded,
            "{path} {timeout:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_handler_is_dropped_when_the_caller_resets_the_call() {
    // No deadline drops a handler in the time that the test waits.
    let limits = Limits {
        max_unary_time: 10 * PATIENCE,
        max_stream_time: 10 * PATIENCE,
        ..Limits::default()
    };
    let mut server = Server::start(limits).await;
    let client = server.client().await;
    for (path, act) in [(GET, "hang"), (IMPORT, "late"), (IMPORT, "hang")] {
        for _ in 0..5 {
            let headers = [("x-act", act)];
            let mut call = within(client.open(path, &headers)).await.expect("a call");
            let message = super::raw::framed(&[]);
            call.requests.send_data(message, false).expect("sent");
            if path == GET {
                call.requests
                    .send_data(Default::default(), true)
                    .expect("sent");
            }
            server.handler_started().await;
            call.requests.send_reset(h2::Reason::CANCEL);
            server.handler_dropped().await;
        }
    }
}
