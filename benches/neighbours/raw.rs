//! What a well-behaved client does not do.

use std::{io::Write, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use h2::client::SendRequest;
use http::Request;
use mailing_groups::pb::{
    Contact, ImportContactsRequest, ListMailingGroupsRequest,
    import_contacts_request::{Chunk, Message, Start},
};
use prost::Message as _;
use tokio::net::TcpStream;

/// Makes calls on a connection and reads no answers.
pub(crate) async fn unread(endpoint: &str, tenant: &str, calls: usize) {
    let address = endpoint.trim_start_matches("http://");
    let socket = TcpStream::connect(address).await.expect("connects");
    let (sender, connection) = h2::client::Builder::new()
        .initial_window_size(0)
        .handshake::<_, Bytes>(socket)
        .await
        .expect("shakes hands");
    tokio::spawn(connection);
    let mut sender: SendRequest<Bytes> = sender;
    let message = ListMailingGroupsRequest {
        page_size: 1_000,
        ..ListMailingGroupsRequest::default()
    };
    let message = framed(&message);
    let mut open = Vec::new();
    for _ in 0..calls {
        let request = request(endpoint, "MailingGroups/ListMailingGroups", tenant);
        sender = sender.ready().await.expect("ready");
        let (response, mut stream) = sender.send_request(request, false).expect("sends");
        stream.send_data(message.clone(), true).expect("sends");
        open.push((response, stream));
    }
    tokio::time::sleep(Duration::from_secs(3_600)).await;
}

fn framed(message: &impl prost::Message) -> Bytes {
    let mut frame = vec![0];
    let length = u32::try_from(message.encoded_len()).expect("a small message");
    frame.extend(length.to_be_bytes());
    message.encode(&mut frame).expect("room enough");
    frame.into()
}

/// A message with 2 million empty contacts, 4 KB when compressed.
pub(crate) fn bomb() -> Bytes {
    let chunk = Chunk {
        contacts: vec![Contact::default(); 2_000_000],
    };
    let [start, chunk] = [Message::Start(Start::default()), Message::Chunk(chunk)].map(|message| {
        ImportContactsRequest {
            message: Some(message),
        }
    });
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed
        .write_all(&chunk.encode_to_vec())
        .expect("room enough");
    let packed = packed.finish().expect("room enough");
    let mut frames = framed(&start).to_vec();
    frames.push(1);
    frames.extend(
        u32::try_from(packed.len())
            .expect("a small message")
            .to_be_bytes(),
    );
    frames.extend(packed);
    frames.into()
}

/// Imports a compressed message again and again.
pub(crate) async fn import(endpoint: &str, tenant: &str, frames: Bytes) {
    let address = endpoint.trim_start_matches("http://");
    let socket = TcpStream::connect(address).await.expect("connects");
    let (mut sender, connection) = h2::client::handshake(socket).await.expect("shakes hands");
    tokio::spawn(connection);
    loop {
        let request = request(endpoint, "Contacts/ImportContacts", tenant);
        sender = sender.ready().await.expect("ready");
        let (response, mut stream) = sender.send_request(request, false).expect("sends");
        // It fails if the call was refused before.
        let _ = stream.send_data(frames.clone(), true);
        let mut body = response.await.expect("a response").into_body();
        while let Some(Ok(data)) = body.data().await {
            body.flow_control()
                .release_capacity(data.len())
                .expect("given");
        }
    }
}

fn request(endpoint: &str, method: &str, tenant: &str) -> Request<()> {
    Request::post(format!("{endpoint}/mailinggroups.v1.{method}"))
        .header("content-type", "application/grpc")
        .header("grpc-encoding", "gzip")
        .header("te", "trailers")
        .header("x-tenant", tenant)
        .body(())
        .expect("a request")
}
