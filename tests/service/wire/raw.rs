//! A client on plain HTTP/2, for what gRPC clients do not do, such as waiting for a response beyond
//! their own deadline.

use std::{io::Write, net::SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};
use flate2::{Compression, write::GzEncoder};
use h2::{
    RecvStream, SendStream,
    client::{self, ResponseFuture, SendRequest},
};
use http::{HeaderMap, Request, Response};
use prost::Message;
use tokio::net::TcpStream;
use tonic::Status;
use tonic_types::{ErrorInfo, StatusExt};

pub(crate) const GET: &str = "/mailinggroups.v1.Contacts/GetContact";
pub(crate) const IMPORT: &str = "/mailinggroups.v1.Contacts/ImportContacts";

/// The header of a call whose messages are compressed.
pub(crate) const GZIP: (&str, &str) = ("grpc-encoding", "gzip");

pub(crate) struct Client(SendRequest<Bytes>);

/// A call that waits for its response.
pub(crate) struct Call {
    pub requests: SendStream<Bytes>,
    response: ResponseFuture,
}

/// How a call ended.
pub(crate) struct Answer {
    pub headers: HeaderMap,
    /// The bytes of all messages, with their prefixes.
    pub data: Bytes,
    pub status: Status,
    /// Whether the status came with the headers.
    pub trailers_only: bool,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self, h2::Error> {
        Self::build(address, &client::Builder::new()).await
    }

    /// A client that reads no message.
    pub(crate) async fn unreading(address: SocketAddr) -> Result<Self, h2::Error> {
        Self::build(address, client::Builder::new().initial_window_size(0)).await
    }

    async fn build(address: SocketAddr, builder: &client::Builder) -> Result<Self, h2::Error> {
        let stream = TcpStream::connect(address).await.expect("a listener");
        Self::over(stream, builder).await
    }

    /// A client on an open connection.
    pub(crate) async fn over(
        stream: TcpStream,
        builder: &client::Builder,
    ) -> Result<Self, h2::Error> {
        let (client, connection) = builder.handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self(client.ready().await?))
    }

    /// The calls the server allows at a time.
    pub(crate) fn max_concurrent_streams(&self) -> usize {
        self.0.current_max_send_streams()
    }

    /// Starts a call without sending a message.
    pub(crate) async fn open(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Call, h2::Error> {
        let mut request = Request::post(format!("http://test{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(()).expect("a request")).await
    }

    /// Sends the headers of a request.
    pub(crate) async fn send(&self, request: Request<()>) -> Result<Call, h2::Error> {
        let mut client = self.0.clone().ready().await?;
        let (response, requests) = client.send_request(request, false)?;
        Ok(Call { requests, response })
    }

    /// Makes a whole call with one message.
    pub(crate) async fn call(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        message: impl Message,
    ) -> Result<Answer, h2::Error> {
        self.open(path, headers).await?.finish(message).await
    }
}

impl Call {
    /// The response's headers.
    pub(crate) async fn headers(self) -> Result<Response<RecvStream>, h2::Error> {
        self.response.await
    }

    /// Sends the only message and reads everything.
    pub(crate) async fn finish(mut self, message: impl Message) -> Result<Answer, h2::Error> {
        let message = framed(&message.encode_to_vec());
        self.requests.send_data(message, true)?;
        self.answer().await
    }

    /// Reads everything.
    pub(crate) async fn answer(self) -> Result<Answer, h2::Error> {
        read(self.headers().await?).await
    }
}

/// Reads what follows the headers.
pub(crate) async fn read(response: Response<RecvStream>) -> Result<Answer, h2::Error> {
    let (parts, mut body) = response.into_parts();
    let mut data = BytesMut::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        data.put(chunk);
    }
    let trailers = body.trailers().await?;
    let in_headers = Status::from_header_map(&parts.headers);
    Ok(Answer {
        trailers_only: in_headers.is_some(),
        status: in_headers
            .or_else(|| Status::from_header_map(&trailers?))
            .expect("a gRPC status"),
        headers: parts.headers,
        data: data.freeze(),
    })
}

/// A message with gRPC's prefix.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(message.len() as u32);
    framed.put_slice(message);
    framed.freeze()
}

/// A message compressed by gzip, with gRPC's prefix. The call needs the header [`GZIP`].
pub(crate) fn gzipped(message: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(vec![], Compression::best());
    encoder.write_all(message).expect("in memory");
    let compressed = encoder.finish().expect("in memory");
    let mut framed = BytesMut::from(&*framed(&compressed));
    framed[0] = 1;
    framed.freeze()
}

/// The error's `ErrorInfo`, which every error must have.
pub(crate) fn error_info(status: &Status) -> ErrorInfo {
    let info = status.get_details_error_info();
    let info = info.unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "mailinggroups");
    info
}
