//! A small request does not take much memory.

use bytes::Bytes;
use futures_util::future::select;
use mailing_groups::{pb::Contact, server::Limits};
use prost::{Message, encode_length_delimiter};
use tonic::{Code, Status};

use super::{
    raw::{Call, Client, GET, GZIP, IMPORT, error_info, framed, gzipped},
    server::Server,
};
use crate::support::{self, Program, database, eventually, scratch, violations, within};

const BATCH_ASSIGN: &str = "/mailinggroups.v1.MailingGroups/BatchAssignMailingGroups";

/// How much more memory the requests may take, in KiB. Without a limit, one takes 580 MiB.
const ALLOWED: i64 = 96 << 10;

async fn status(client: &Client, path: &str, message: &[u8]) -> Status {
    let mut call = within(client.open(path, &[GZIP])).await.expect("a call");
    let sent = gzipped(message);
    assert!(sent.len() < 20_000, "{} bytes", sent.len());
    call.requests.send_data(sent, true).expect("sent");
    within(call.answer()).await.expect("an answer").status
}

#[tokio::test]
async fn a_few_kilobytes_do_not_become_much_memory() {
    let folder = scratch();
    let url = database().await;
    let mut program = Program::spawn(folder.path(), &["--database-url", &url]);
    let client = within(Client::connect(program.address().await));
    let client = client.await.expect("connected");
    // Empty contacts, in a chunk of an import and as the assignments of a batch.
    let empty = [0x0a, 0].repeat(2_000_000);
    let mut chunk = vec![0x12];
    encode_length_delimiter(empty.len(), &mut chunk).expect("in memory");
    chunk.extend(&empty);
    // Two messages that become larger than a message may be.
    let bomb = Contact {
        name: "x".repeat(16 << 20),
        ..Contact::default()
    };
    let _ = status(&client, BATCH_ASSIGN, &[]).await;
    let before = program.peak_memory();
    for _ in 0..4 {
        for (path, message, field) in [
            (IMPORT, &chunk, "chunk.contacts"),
            (BATCH_ASSIGN, &empty, "assignments"),
        ] {
            let status = status(&client, path, message).await;
            assert_eq!(violations(&status), [field], "{status:?}");
        }
        let status = status(&client, IMPORT, &bomb.encode_to_vec()).await;
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    }
    let grown = program.peak_memory() - before;
    println!("{grown} KiB more than {before} KiB");
    assert!(grown < ALLOWED, "{grown} KiB more");
}

#[tokio::test]
async fn a_unary_call_with_two_messages_is_refused() {
    let address = support::Server::shared().await.address;
    let client = within(Client::connect(address)).await.expect("connected");
    let mut call = within(client.open(GET, &[])).await.expect("a call");
    let two = [framed(&[]), framed(&[])].concat();
    call.requests.send_data(two.into(), true).expect("sent");
    let status = within(call.answer()).await.expect("an answer").status;
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert!(status.message().contains("takes one message"), "{status:?}");
}

/// Sends the beginning of a message of 60 KiB.
async fn begin(client: &Client, tenant: &str) -> Call {
    let headers = [("x-tenant", tenant)];
    let call = client.open(IMPORT, &headers);
    let mut call = within(call).await.expect("a call");
    let message = framed(&[0; 60 << 10]);
    let beginning = Bytes::copy_from_slice(&message[..message.len() - 1]);
    call.requests.send_data(beginning, false).expect("sent");
    call
}

#[tokio::test]
async fn a_tenant_s_requests_take_at_most_half_of_the_memory() {
    let limits = Limits {
        // For one such message, as 16 KiB of each are free.
        max_request_memory: 100 << 10,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let client = within(Client::connect(server.address));
    let client = client.await.expect("connected");
    let [one, two] = [begin(&client, "a").await, begin(&client, "a").await];
    let ended = select(Box::pin(one.answer()), Box::pin(two.answer()));
    let (refused, other_of_a) = within(ended).await.factor_first();
    let status = refused.expect("an answer").status;
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(error_info(&status).reason, "OVERLOADED");

    let mut other = begin(&client, "b").await;
    let end = Bytes::from_static(&[0]);
    other.requests.send_data(end, true).expect("sent");
    let answer = within(other.answer()).await.expect("an answer");
    // It was decoded: nothing but zeros is no message.
    assert_eq!(answer.status.code(), Code::InvalidArgument);
    drop(other_of_a);
    eventually(async || {
        let mut call = begin(&client, "a").await;
        let end = Bytes::from_static(&[0]);
        let _ = call.requests.send_data(end, true);
        let status = within(call.answer()).await.ok()?.status;
        (status.code() == Code::InvalidArgument).then_some(())
    })
    .await;
}
