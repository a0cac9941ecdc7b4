//! What a well-behaved client does not do.

use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use mailing_groups::pb::{
    Contact, ImportContactsRequest, ListMailingGroupsRequest,
    import_contacts_request::{Chunk, Message, Start},
};
use tokio::net::TcpStream;
use tokio_stream::{Stream, iter};

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
        let request = Request::post(format!(
            "{endpoint}/mailinggroups.v1.MailingGroups/ListMailingGroups"
        ))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("x-tenant", tenant)
        .body(())
        .expect("a request");
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

/// The messages of an import of 2 million empty contacts, 4 KB when compressed.
pub(crate) fn bomb() -> impl Stream<Item = ImportContactsRequest> {
    let chunk = Chunk {
        contacts: vec![Contact::default(); 2_000_000],
    };
    let messages = [Message::Start(Start::default()), Message::Chunk(chunk)];
    iter(messages.map(|message| ImportContactsRequest {
        message: Some(message),
    }))
}
