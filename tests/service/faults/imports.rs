//! Uploads that end without `finish`: exactly the acknowledged chunks are committed.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use h2::{Reason, RecvStream, SendStream, client};
use http::Request;
use mailing_groups::pb::{self, import_memberships_request as sent};
use prost::Message;
use tokio::{net::TcpStream, task::JoinHandle};
use tonic::{Code, Status};

use crate::support::{
    Server, Sql, Tenant, assert_consistent, assignment, info, person, upload::Response, within,
};

/// An upload over a dedicated connection, by a client that can violate the protocol.
struct Upload {
    requests: SendStream<Bytes>,
    answers: RecvStream,
    /// Received bytes that are not decoded yet.
    received: BytesMut,
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Upload {
    /// Opens an import of memberships.
    async fn open(address: SocketAddr, tenant: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (client, connection) = client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::post("http://test/mailinggroups.v1.MailingGroups/ImportMemberships")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("x-tenant", tenant)
            .body(())
            .unwrap();
        let mut client = client.ready().await.unwrap();
        let (response, mut requests) = client.send_request(request, false).unwrap();
        requests
            .send_data(message(sent::Message::Start(sent::Start::default())), false)
            .unwrap();
        let answers = response.await.unwrap().into_body();
        Self {
            requests,
            answers,
            received: BytesMut::new(),
            connection,
        }
    }

    fn send(&mut self, bytes: Bytes) {
        self.requests.send_data(bytes, false).unwrap();
    }

    /// The next message.
    async fn message(&mut self) -> pb::ImportMembershipsResponse {
        loop {
            if let Some((prefix, rest)) = self.received.split_at_checked(5) {
                let length = u32::from_be_bytes(prefix[1..].try_into().unwrap()) as usize;
                if rest.len() >= length {
                    let framed = self.received.split_to(5 + length);
                    return Message::decode(&framed[5..]).unwrap();
                }
            }
            let bytes = within(self.answers.data()).await.unwrap().unwrap();
            let flow_control = self.answers.flow_control();
            flow_control.release_capacity(bytes.len()).unwrap();
            self.received.put(bytes);
        }
    }

    /// Waits for the acknowledgement of so many items.
    async fn until(&mut self, processed: i64) {
        while self.message().await.progress() != Some(processed) {}
    }

    /// The status at the end.
    async fn status(&mut self) -> Status {
        while let Some(data) = self.answers.data().await {
            data.unwrap();
        }
        let trailers = self.answers.trailers().await.unwrap().unwrap();
        Status::from_header_map(&trailers).unwrap()
    }
}

/// A message as it goes over the wire.
fn message(message: sent::Message) -> Bytes {
    let request = pb::ImportMembershipsRequest {
        message: Some(message),
    };
    let encoded = request.encode_to_vec();
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(encoded.len()).unwrap());
    framed.put_slice(&encoded);
    framed.freeze()
}

fn chunk(from: usize) -> Bytes {
    let assignments = (from..from + 10)
        .map(|n| assignment(&format!("P{n}"), "MOVE"))
        .collect();
    message(sent::Message::Chunk(sent::Chunk { assignments }))
}

struct Scene {
    server: Server,
    tenant: Tenant,
    sql: Sql,
}

async fn scene() -> Scene {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MOVE").await;
    let persons: Vec<_> = (0..40).map(|n| person(&format!("P{n}"), "")).collect();
    tenant.import_contacts(&persons).await;
    let sql = Sql::connect(&server.database_url).await;
    Scene {
        server,
        tenant,
        sql,
    }
}

impl Scene {
    /// An upload whose first chunk was acknowledged and whose second is half sent.
    async fn half(&self) -> Upload {
        let mut upload = Upload::open(self.server.address, "t").await;
        upload.send(chunk(0));
        upload.until(10).await;
        let second = chunk(10);
        upload.send(second.slice(..second.len() / 2));
        upload
    }

    async fn has_members(&mut self, count: usize) {
        self.sql.until_quiet().await;
        assert_eq!(self.tenant.members("MOVE").await.len(), count);
        assert_consistent(&self.server.database_url, "t").await;
    }
}

#[tokio::test]
async fn a_reset_upload_keeps_the_acknowledged_chunks() {
    let mut scene = scene().await;
    for reason in [Reason::CANCEL, Reason::NO_ERROR, Reason::INTERNAL_ERROR] {
        let mut upload = scene.half().await;
        upload.requests.send_reset(reason);
        scene.has_members(10).await;
    }
}

#[tokio::test]
async fn a_closed_connection_keeps_the_acknowledged_chunks() {
    let mut scene = scene().await;
    let upload = scene.half().await;
    upload.connection.abort();
    drop(upload);
    scene.has_members(10).await;
}

#[tokio::test]
async fn an_upload_that_ends_without_finish_is_aborted() {
    let mut scene = scene().await;
    let mut upload = Upload::open(scene.server.address, "t").await;
    upload.send(chunk(0));
    upload.send(chunk(10));
    upload.requests.send_data(Bytes::new(), true).unwrap();
    let status = upload.status().await;
    assert_eq!(
        (status.code(), info(&status).reason),
        (Code::Aborted, "UPLOAD_NOT_FINISHED".into())
    );
    scene.has_members(20).await;
}

#[tokio::test]
async fn a_truncated_message_is_an_error_of_the_caller() {
    let mut scene = scene().await;
    let mut upload = scene.half().await;
    upload.requests.send_data(Bytes::new(), true).unwrap();
    let status = upload.status().await;
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    scene.has_members(10).await;
}

#[tokio::test]
async fn a_waiting_chunk_of_a_disconnected_caller_is_not_committed() {
    let mut scene = scene().await;
    let holder = Sql::connect(&scene.server.database_url).await;
    let mut upload = Upload::open(scene.server.address, "t").await;
    upload.send(chunk(0));
    upload.until(10).await;
    holder.hold_clock("t").await;
    upload.send(chunk(10));
    scene.sql.until_waiting(1).await;
    upload.requests.send_reset(Reason::CANCEL);
    scene.sql.until_waiting(0).await;
    holder.run("ROLLBACK").await;
    scene.has_members(10).await;
}

#[tokio::test]
async fn messages_out_of_order_are_rejected() {
    let mut scene = scene().await;
    let mut upload = Upload::open(scene.server.address, "t").await;
    upload.send(message(sent::Message::Start(sent::Start::default())));
    assert_eq!(upload.status().await.code(), Code::InvalidArgument);
    let requests = tokio_stream::once(pb::ImportMembershipsRequest {
        message: Some(sent::Message::Finish(sent::Finish {})),
    });
    let mut answers = scene
        .tenant
        .groups
        .import_memberships(requests)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        answers.message().await.unwrap_err().code(),
        Code::InvalidArgument
    );
    scene.has_members(0).await;
}
