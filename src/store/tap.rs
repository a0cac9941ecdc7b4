//! Reads the protocol of a connection as it passes by (PostgreSQL documentation, "Message Formats"): the
//! SQLSTATE of errors, and for how long a request has waited for its answer.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{silence::Traffic, sqlstate::CurrentSqlState};

#[derive(Debug, Clone, Default)]
pub(super) struct Tap {
    pub(super) current_sqlstate: CurrentSqlState,
    pub(super) traffic: Traffic,
}

/// A stream to and from the server that is read as it passes by.
pub(super) struct Tapped<S> {
    stream: S,
    to_server: MessageParser,
    from_server: MessageParser,
    tap: Tap,
}

impl<S> Tapped<S> {
    /// Taps a stream on which nothing was sent yet.
    pub(super) fn new(stream: S, tap: Tap) -> Self {
        Self {
            stream,
            to_server: MessageParser::after_startup(),
            from_server: MessageParser::default(),
            tap,
        }
    }

    pub(super) fn stream(&self) -> &S {
        &self.stream
    }
}

/// Splits a stream of messages: a type, the length of the rest in 4 bytes, and a body.
#[derive(Default)]
struct MessageParser {
    header: Vec<u8>,
    /// The type of the message whose body is read.
    kind: Option<u8>,
    /// The remaining bytes of the body.
    left: usize,
    /// The body, if the message is an error response.
    error: Vec<u8>,
}

const HEADER: usize = 5;

/// The messages that ask for an answer, and the one that ends each answer.
const QUERY: u8 = b'Q';
const SYNC: u8 = b'S';
const READY_FOR_QUERY: u8 = b'Z';

impl MessageParser {
    /// The first message of a client has no type.
    fn after_startup() -> Self {
        Self {
            header: vec![0],
            ..Self::default()
        }
    }

    /// Calls `ended` at the end of each message with its type, and its body if it is an error response.
    fn read(&mut self, mut bytes: &[u8], mut ended: impl FnMut(u8, &[u8])) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let (body, rest) = bytes.split_at(self.left.min(bytes.len()));
                if self.kind == Some(b'E') {
                    self.error.extend_from_slice(body);
                }
                (self.left, bytes) = (self.left - body.len(), rest);
            } else {
                let missing = HEADER - self.header.len();
                let (part, rest) = bytes.split_at(missing.min(bytes.len()));
                self.header.extend_from_slice(part);
                bytes = rest;
                self.begin();
            }
            if self.left == 0
                && let Some(kind) = self.kind.take()
            {
                ended(kind, &self.error);
                self.error.clear();
            }
        }
    }

    /// Begins the body, if the header is complete.
    fn begin(&mut self) {
        if let [kind, length @ ..] = self.header.as_slice()
            && let Ok(length) = <[u8; 4]>::try_from(length)
        {
            let length = u32::from_be_bytes(length) as usize;
            self.left = length.saturating_sub(length.min(4));
            self.kind = Some(*kind);
            self.header.clear();
        }
    }
}

/// The field `C` of an error response: fields are a type and a text that ends with a zero byte.
fn code_of(error: &[u8]) -> Option<[u8; 5]> {
    let mut fields = error.split(|byte| *byte == 0);
    let code = fields.find_map(|field| field.strip_prefix(b"C"))?;
    code.try_into().ok()
}

impl<S: AsyncRead + Unpin> AsyncRead for Tapped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let Self {
            from_server, tap, ..
        } = &mut *self;
        let mut answers = 0;
        from_server.read(&buf.filled()[before..], |kind, body| {
            if let Some(code) = code_of(body) {
                tap.current_sqlstate.set(code);
            }
            answers += usize::from(kind == READY_FOR_QUERY);
        });
        tap.traffic.received(answers);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        let mut requests = 0;
        self.to_server.read(&buf[..count], |kind, _| {
            requests += usize::from(kind == QUERY || kind == SYNC);
        });
        self.tap.traffic.sent(requests);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message as the server sends it.
    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
        [&[kind], &length[..], body].concat()
    }

    #[test]
    fn the_code_of_an_error_is_found_however_the_bytes_arrive() {
        let rows = [message(b'D', b"C57014\0"), message(b'Z', b"I")].concat();
        let error = message(b'E', b"SFEHLER\0VERROR\0C57014\0Mwird storniert\0\0");
        let bytes = [rows.as_slice(), &error, &message(b'Z', b"I")].concat();
        for size in [1, 2, 7, bytes.len()] {
            let (mut parser, mut found) = (MessageParser::default(), Vec::new());
            for part in bytes.chunks(size) {
                parser.read(part, |kind, body| found.push((kind, code_of(body))));
            }
            let code = Some(*b"57014");
            let expected = [(b'D', None), (b'Z', None), (b'E', code), (b'Z', None)];
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn requests_are_counted_after_the_startup() {
        let startup = [&12u32.to_be_bytes()[..], b"QQQQQQQQ"].concat();
        let bytes = [startup, message(b'P', b"SELECT"), message(b'S', b"")].concat();
        for size in [1, 3, bytes.len()] {
            let (mut parser, mut kinds) = (MessageParser::after_startup(), Vec::new());
            for part in bytes.chunks(size) {
                parser.read(part, |kind, _| kinds.push(kind));
            }
            assert_eq!(kinds, [0, b'P', b'S']);
        }
    }
}
