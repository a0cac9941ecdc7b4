//! The request of a call as gRPC has it. Its body is read and converted when the handler asks for
//! it, so after the caller is known and a place is taken, and before the deadline.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{
    future,
    stream::{self, TryStreamExt},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tonic::{Status, body::Body};

use super::{format::MessageFormat, gzip, query::GetQuery, schema::MethodSchema};
use crate::api::{
    incoming,
    status::{cut_off, invalid_field, malformed, too_large},
};

/// The header of the deadline.
const TIMEOUT: &str = "connect-timeout-ms";

/// Headers that say how a request is written, and are no metadata of its call.
const OF_TRANSPORT: [HeaderName; 10] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The flag of an envelope with a compressed message.
pub(super) const IS_COMPRESSED: u8 = 1;

/// The length of an envelope's head: the flags, and the length of the message.
pub(super) const HEAD: usize = 5;

/// What is known of a call before its body is read.
pub(super) struct IncomingCall {
    /// `None` if the server has no such method.
    pub(super) method: Option<Arc<MethodSchema>>,
    pub(super) format: MessageFormat,
    pub(super) streams: bool,
    pub(super) max_bytes: usize,
}

impl IncomingCall {
    /// The call as a request of gRPC. What is wrong with it becomes the error of its body, so that it is
    /// answered, logged and counted as any other.
    pub(super) fn into_grpc(
        self,
        mut request: Request<Body>,
        query: Option<Result<GetQuery, Status>>,
    ) -> Request<Body> {
        let checked = check(request.headers(), self.streams);
        let headers = request.headers_mut();
        remove_of_protocol(headers);
        if let Ok(checked) = &checked
            && let Some(timeout) = &checked.timeout
        {
            headers.insert("grpc-timeout", timeout.clone());
        }
        let grpc = HeaderValue::from_static("application/grpc");
        headers.insert(header::CONTENT_TYPE, grpc);
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        *request.method_mut() = Method::POST;
        request.map(|body| {
            let converted =
                checked.and_then(|it| self.convert(body, it.is_gzip, query.transpose()?));
            converted.unwrap_or_else(failing)
        })
    }

    fn convert(self, body: Body, is_gzip: bool, query: Option<GetQuery>) -> Result<Body, Status> {
        // If there is no such method, the call ends with that answer.
        let Some(method) = self.method else {
            return Ok(Body::empty());
        };
        let reader = MessageReader {
            method,
            format: self.format,
            max_bytes: self.max_bytes,
        };
        Ok(match query {
            Some(query) => {
                let body = Body::new(Full::new(query.message));
                reader.unary(body, query.is_gzip)
            }
            None if self.streams => reader.stream(body, is_gzip),
            None => reader.unary(body, is_gzip),
        })
    }
}

/// Converts the messages of a request.
struct MessageReader {
    method: Arc<MethodSchema>,
    format: MessageFormat,
    max_bytes: usize,
}

impl MessageReader {
    fn unary(self, body: Body, is_gzip: bool) -> Body {
        let message = async move {
            let message = read(body, self.max_bytes).await?;
            self.to_grpc(message, is_gzip).await
        };
        Body::new(StreamBody::new(stream::once(message).map_ok(Frame::data)))
    }

    fn stream(self, body: Body, is_gzip: bool) -> Body {
        let request = EnvelopedRequest {
            body,
            received: BytesMut::new(),
            is_gzip,
            reader: self,
        };
        let messages = stream::try_unfold(request, |mut request| async move {
            let message = request.message().await?;
            Ok::<_, Status>(message.map(|it| (Frame::data(it), request)))
        });
        Body::new(StreamBody::new(messages))
    }

    /// Compressed messages wait for a permit, as those of gRPC do.
    async fn to_grpc(&self, message: Bytes, is_gzip: bool) -> Result<Bytes, Status> {
        if !is_gzip {
            return self.format.to_grpc(&message, &self.method.input);
        }
        let _permit = incoming::unpack_permit().await;
        let message = gzip::decompress(&message, self.max_bytes)?;
        self.format.to_grpc(&message, &self.method.input)
    }
}

/// A body that is an error.
fn failing(status: Status) -> Body {
    let error = stream::once(future::ready(Err::<Frame<Bytes>, _>(status)));
    Body::new(StreamBody::new(error))
}

/// What the headers of a valid request say.
struct Preamble {
    timeout: Option<HeaderValue>,
    is_gzip: bool,
}

fn check(headers: &HeaderMap, streams: bool) -> Result<Preamble, Status> {
    let version = headers.get("connect-protocol-version");
    if version.is_some_and(|version| version != "1") {
        return Err(invalid_field("connect-protocol-version", "must be 1"));
    }
    let encoding = match streams {
        true => "connect-content-encoding",
        false => header::CONTENT_ENCODING.as_str(),
    };
    Ok(Preamble {
        timeout: headers.get(TIMEOUT).map(grpc_timeout).transpose()?,
        is_gzip: gzip::is_used(headers, encoding)?,
    })
}

/// The deadline as gRPC writes it, which has at most 8 digits.
fn grpc_timeout(milliseconds: &HeaderValue) -> Result<HeaderValue, Status> {
    let digits = milliseconds.to_str().unwrap_or_default();
    let is_valid = (1..=10).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    let milliseconds: Option<u64> = digits.parse().ok().filter(|_| is_valid);
    let milliseconds = milliseconds
        .ok_or_else(|| invalid_field(TIMEOUT, "must be milliseconds, of at most 10 digits"))?;
    let timeout = match milliseconds {
        0..100_000_000 => format!("{milliseconds}m"),
        _ => format!("{}S", milliseconds / 1000),
    };
    HeaderValue::try_from(timeout).map_err(|_| invalid_field(TIMEOUT, "must be milliseconds"))
}

fn remove_of_protocol(headers: &mut HeaderMap) {
    let names: Vec<_> = headers
        .keys()
        .filter(|name| {
            let of_protocol = ["connect-", "grpc-"].iter();
            let mut of_protocol = of_protocol.filter(|it| name.as_str().starts_with(**it));
            of_protocol.next().is_some() || OF_TRANSPORT.contains(name)
        })
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

/// All of a body.
async fn read(mut body: Body, max_bytes: usize) -> Result<Bytes, Status> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(cut_off)?.into_data() else {
            continue;
        };
        if read.len() + data.len() > max_bytes {
            return Err(too_large(max_bytes));
        }
        incoming::receive(data.len())?;
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

/// The messages of a stream, each of which is in an envelope.
struct EnvelopedRequest {
    body: Body,
    received: BytesMut,
    is_gzip: bool,
    reader: MessageReader,
}

impl EnvelopedRequest {
    /// The next message; `None` at the end of the request.
    async fn message(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some((message, is_gzip)) = self.received()? {
                return self.reader.to_grpc(message, is_gzip).await.map(Some);
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        incoming::receive(data.len())?;
                        self.received.extend_from_slice(data);
                    }
                }
                Some(Err(error)) => return Err(cut_off(error)),
                None if self.received.is_empty() => return Ok(None),
                None => return Err(malformed("the request ends within an envelope")),
            }
        }
    }

    /// The next message as it was sent, if all of it was received, and whether it is compressed.
    fn received(&mut self) -> Result<Option<(Bytes, bool)>, Status> {
        let Some(head) = self.received.first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let [flags, length @ ..] = *head;
        let length = u32::from_be_bytes(length) as usize;
        if length > self.reader.max_bytes {
            return Err(too_large(self.reader.max_bytes));
        }
        if flags & !IS_COMPRESSED != 0 {
            let text = format!("the flags of an envelope must be 0 or 1; they are {flags}");
            return Err(malformed(text));
        }
        if self.received.len() < HEAD + length {
            return Ok(None);
        }
        self.received.advance(HEAD);
        let message = self.received.split_to(length).freeze();
        let is_gzip = flags & IS_COMPRESSED != 0;
        if is_gzip && !self.is_gzip {
            let text = "a compressed message needs the header connect-content-encoding: gzip";
            return Err(malformed(text));
        }
        Ok(Some((message, is_gzip)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_one_of_grpc() {
        let read = |text: &'static str| {
            let timeout = grpc_timeout(&HeaderValue::from_static(text));
            timeout.map(|it| it.to_str().expect("text").to_owned())
        };
        for (text, timeout) in [
            ("0", "0m"),
            ("1500", "1500m"),
            ("99999999", "99999999m"),
            ("9999999999", "9999999S"),
        ] {
            assert_eq!(read(text).expect("valid"), timeout);
        }
        for text in ["", "-1", "1s", "12345678901"] {
            let refused = read(text).expect_err(text);
            assert!(refused.message().starts_with(TIMEOUT), "{refused}");
        }
    }
}
