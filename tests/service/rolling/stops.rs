//! What does not delay the end of a server.

use std::time::{Duration, Instant};

use mailing_groups::pb::{
    BatchGetContactsRequest, GetContactRequest, WatchChangesRequest,
    import_contacts_request::Start, watch_changes_request,
};
use nix::sys::signal::Signal;
use prost::Message;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::{
    support::{Program, Tenant, database, person, scratch, select, serve, within},
    watching::feed,
    wire::{
        frames::{Frames, HEADERS},
        raw::{Client, GET, framed},
    },
};

const WATCH: &str = "/mailinggroups.v1.MailingGroups/WatchChanges";
const STREAM: &str = "/mailinggroups.v1.MailingGroups/StreamSegmentMembers";

/// A call whose answer nobody reads.
async fn unread(
    address: std::net::SocketAddr,
    path: &str,
    message: impl Message,
) -> (Client, h2::RecvStream) {
    let client = within(Client::unreading(address)).await.unwrap();
    let mut call = within(client.open(path, &[("x-tenant", "t")]))
        .await
        .unwrap();
    let message = framed(&message.encode_to_vec());
    call.requests.send_data(message, true).unwrap();
    let answer = within(call.headers()).await.unwrap();
    (client, answer.into_body())
}

#[tokio::test]
async fn nothing_that_waits_for_its_client_delays_the_end() {
    let (folder, url) = (scratch(), database().await);
    let arguments = ["--drain-timeout", "60s", "--database-url", &url];
    let mut program = Program::spawn(folder.path(), &arguments);
    let address = program.address().await;
    let mut tenant = Tenant::over(serve::channel(address), "t");
    tenant.create(person("P", "")).await;

    let _silent = TcpStream::connect(address).await.unwrap();
    let mut preface = TcpStream::connect(address).await.unwrap();
    preface.write_all(b"PRI * HTTP/2").await.unwrap();
    let _idle = within(Client::connect(address)).await.unwrap();
    let mut served = Frames::connect(address).await;
    served.call(1);
    served.send().await;
    served.until(&[HEADERS]).await;
    let mut headers = Frames::connect(address).await;
    headers.half_open(1);
    headers.send().await;
    let mut watch = tenant.watch(feed::now()).await.unwrap();
    watch.until_progress().await;
    let mut health = HealthClient::new(serve::channel(address));
    let _health = health.watch(HealthCheckRequest::default()).await.unwrap();
    let mut upload = tenant.upload_contacts().await;
    let start = Start {
        import_id: "open".into(),
        ..Default::default()
    };
    upload
        .send(mailing_groups::pb::import_contacts_request::Message::Start(
            start,
        ))
        .await;
    upload.message().await.unwrap();
    let watch_request = WatchChangesRequest {
        start: Some(watch_changes_request::Start::Revision(0)),
        ..Default::default()
    };
    let _unread_watch = unread(address, WATCH, watch_request).await;
    let _unread_stream = unread(address, STREAM, select("*")).await;
    let get = GetContactRequest { id: "P".into() };
    let _unread_answer = unread(address, GET, get).await;
    let batch = BatchGetContactsRequest {
        ids: vec!["P".into()],
    };
    let path = "/mailinggroups.v1.Contacts/BatchGetContacts";
    let _unread_batch = unread(address, path, batch).await;

    let began = Instant::now();
    program.signal(Signal::SIGTERM);
    let ended = program.ended().await;
    let took = began.elapsed();
    let log = program.log();
    assert!(
        ended.success() && log.contains("every call was completed"),
        "{log}"
    );
    // About two seconds, and generous on a busy machine; a delay would be a minute.
    assert!(took < Duration::from_secs(20), "{took:?}: {log}");
    println!("{took:?}");
}
