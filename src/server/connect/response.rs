//! The answer of a call as the Connect protocol has it.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, response::Parts};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Full};
use serde::Serialize;
use tonic::{Code, Status, body::Body};

use super::{
    error::{ErrorJson, http_status},
    format::MessageFormat,
    gzip,
    request::{HEAD, IS_COMPRESSED},
    schema::{MethodSchema, Schema},
};
use crate::api::status::internal;

/// The flag of the envelope that ends a stream.
const IS_END: u8 = 2;

/// Headers and trailers of gRPC that become something else.
const OF_GRPC: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-accept-encoding"),
];

/// How a call is answered.
#[derive(Clone)]
pub(super) struct AnswerFormat {
    pub(super) schema: Arc<Schema>,
    /// `None` if the server has no such method.
    pub(super) method: Option<Arc<MethodSchema>>,
    pub(super) format: MessageFormat,
    /// Whether the caller reads compressed messages.
    pub(super) gzip: bool,
}

impl AnswerFormat {
    /// An answer of one message, or an error.
    pub(super) async fn unary(&self, response: Response<Body>) -> Response<Body> {
        let (mut parts, mut body) = response.into_parts();
        if let Some(status) = Status::from_header_map(&parts.headers) {
            return self.error(parts, &status);
        }
        let (mut message, mut trailers) = (BytesMut::new(), HeaderMap::new());
        while let Some(frame) = body.frame().await {
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => message.extend_from_slice(&data),
                // Not polled to its end: it holds the call's place until the answer is sent.
                Ok(Err(frame)) => {
                    trailers = frame.into_trailers().unwrap_or_default();
                    break;
                }
                Err(status) => return self.error(parts, &status),
            }
        }
        let status = Status::from_header_map(&trailers).unwrap_or_else(internal);
        if status.code() != Code::Ok {
            parts.headers.extend(trailers);
            return self.error(parts, &status);
        }
        match self.next(&mut message) {
            Ok(Some(message)) => self.message(parts, trailers, message, body),
            Ok(None) => self.error(parts, &internal()),
            Err(status) => self.error(parts, &status),
        }
    }

    fn message(
        &self,
        mut parts: Parts,
        mut trailers: HeaderMap,
        mut message: Bytes,
        call: Body,
    ) -> Response<Body> {
        let headers = &mut parts.headers;
        remove_of_grpc(headers);
        remove_of_grpc(&mut trailers);
        for (name, value) in &trailers {
            if let Ok(name) = HeaderName::try_from(format!("trailer-{name}")) {
                headers.append(name, value.clone());
            }
        }
        if let Some(compressed) = self.compress(&message) {
            message = compressed;
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let content_type = HeaderValue::from_static(self.format.content_type(false));
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.append(
            header::VARY,
            HeaderValue::from_name(header::ACCEPT_ENCODING),
        );
        // The call counts as open, and has its place, until its answer is sent or not read for too
        // long.
        let body = Full::new(message).map_frame(move |frame| {
            let _open = &call;
            frame
        });
        Response::from_parts(parts, Body::new(body))
    }

    fn error(&self, mut parts: Parts, status: &Status) -> Response<Body> {
        remove_of_grpc(&mut parts.headers);
        parts.status = http_status(status.code());
        let json = HeaderValue::from_static("application/json");
        parts.headers.insert(header::CONTENT_TYPE, json);
        let error = serde_json::to_vec(&ErrorJson::of(status, &self.schema));
        let body = Full::from(error.unwrap_or_default());
        Response::from_parts(parts, Body::new(body))
    }

    /// An answer of any number of messages, the last of which says how the call ended.
    pub(super) fn stream(self, response: Response<Body>) -> Response<Body> {
        let (mut parts, call) = response.into_parts();
        let status = Status::from_header_map(&parts.headers);
        remove_of_grpc(&mut parts.headers);
        parts.status = StatusCode::OK;
        let content_type = HeaderValue::from_static(self.format.content_type(true));
        parts.headers.insert(header::CONTENT_TYPE, content_type);
        if self.gzip {
            let gzip = HeaderValue::from_static("gzip");
            parts.headers.insert("connect-content-encoding", gzip);
        }
        let body = match status {
            Some(status) => Body::new(Full::new(self.end(&status, HeaderMap::new()))),
            None => Body::new(EnvelopedResponse {
                answer: self,
                call: Some(call),
                received: BytesMut::new(),
            }),
        };
        Response::from_parts(parts, body)
    }

    /// The next message of gRPC, if all of it was received.
    fn next(&self, received: &mut BytesMut) -> Result<Option<Bytes>, Status> {
        let Some([_, length @ ..]) = received.first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if received.len() < HEAD + length {
            return Ok(None);
        }
        received.advance(HEAD);
        let message = received.split_to(length).freeze();
        let method = self.method.as_ref().ok_or_else(internal)?;
        self.format.of_protobuf(message, &method.output).map(Some)
    }

    fn compress(&self, message: &[u8]) -> Option<Bytes> {
        Some(message).filter(|_| self.gzip).and_then(gzip::compress)
    }

    fn envelope(&self, flags: u8, message: &[u8], into: &mut BytesMut) {
        let compressed = self.compress(message);
        let (flags, message) = match &compressed {
            Some(compressed) => (flags | IS_COMPRESSED, &**compressed),
            None => (flags, message),
        };
        into.put_u8(flags);
        into.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
        into.put_slice(message);
    }

    /// The end of a stream.
    fn end(&self, status: &Status, mut trailers: HeaderMap) -> Bytes {
        remove_of_grpc(&mut trailers);
        let mut metadata = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in &trailers {
            let value = String::from_utf8_lossy(value.as_bytes());
            metadata.entry(name.as_str()).or_default().push(value);
        }
        let is_ok = status.code() == Code::Ok;
        let end = StreamEnd {
            error: (!is_ok).then(|| ErrorJson::of(status, &self.schema)),
            metadata,
        };
        let mut envelope = BytesMut::new();
        let end = serde_json::to_vec(&end).unwrap_or_default();
        self.envelope(IS_END, &end, &mut envelope);
        envelope.freeze()
    }
}

fn remove_of_grpc(headers: &mut HeaderMap) {
    for name in OF_GRPC {
        headers.remove(name);
    }
}

/// The last message of a stream.
#[derive(Serialize)]
struct StreamEnd<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorJson>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'a str, Vec<Cow<'a, str>>>,
}

/// The messages of a stream, each in an envelope. They are converted when the caller reads them.
struct EnvelopedResponse {
    answer: AnswerFormat,
    /// `None` once its end was sent.
    call: Option<Body>,
    received: BytesMut,
}

impl EnvelopedResponse {
    /// The messages that were received whole.
    fn messages(&mut self) -> Result<Option<Bytes>, Status> {
        let mut envelopes = BytesMut::new();
        while let Some(message) = self.answer.next(&mut self.received)? {
            self.answer.envelope(0, &message, &mut envelopes);
        }
        Ok((!envelopes.is_empty()).then(|| envelopes.freeze()))
    }

    /// The end: the status that `trailers` have, or one that the conversion failed with.
    fn end(&mut self, status: Option<Status>, trailers: HeaderMap) -> Frame<Bytes> {
        self.call = None;
        let status = status.or_else(|| Status::from_header_map(&trailers));
        let status = status.unwrap_or_else(internal);
        Frame::data(self.answer.end(&status, trailers))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        loop {
            let Some(call) = &mut self.call else {
                return Poll::Ready(None);
            };
            let frame = match ready!(Pin::new(call).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(status)) => {
                    return Poll::Ready(Some(self.end(Some(status), HeaderMap::new())));
                }
                None => return Poll::Ready(Some(self.end(None, HeaderMap::new()))),
            };
            match frame.into_data() {
                Ok(data) => self.received.extend_from_slice(&data),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    return Poll::Ready(Some(self.end(None, trailers)));
                }
            }
            match self.messages() {
                Ok(None) => {}
                Ok(Some(messages)) => return Poll::Ready(Some(Frame::data(messages))),
                Err(status) => return Poll::Ready(Some(self.end(Some(status), HeaderMap::new()))),
            }
        }
    }
}

impl http_body::Body for EnvelopedResponse {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.get_mut().poll(cx).map(|frame| frame.map(Ok))
    }
}
