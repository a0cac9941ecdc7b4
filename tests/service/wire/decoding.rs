//! A small request does not take much memory.

use mailing_groups::pb::Contact;
use prost::{Message, encode_length_delimiter};
use tonic::{Code, Status};

use super::raw::{Client, GZIP, IMPORT, gzipped};
use crate::support::{Program, database, scratch, violations, within};

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
