//! The SQLSTATE of the last error on a connection.
//!
//! Diesel keeps an error's kind and its text, but no SQLSTATE; the text depends on the server's
//! `lc_messages`. So [`Tapped`] reads the error responses of the protocol as they pass by
//! (PostgreSQL documentation, "Message Formats", `ErrorResponse`).

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The SQLSTATE of the last error on one connection, if there was one since [`SqlState::clear`].
#[derive(Debug, Clone, Default)]
pub(crate) struct SqlState(Arc<AtomicU64>);

impl SqlState {
    /// Whether the error passes by itself: connection exceptions (08), transaction rollbacks such as
    /// deadlocks (40), insufficient resources except a full disk (53), a lock that is not available
    /// (55P03), operator intervention such as shutdowns and cancelled statements (57), and read-only
    /// servers (25006).
    pub(crate) fn is_transient(&self) -> bool {
        match &self.code() {
            b"53100" => false,
            b"55P03" | b"25006" => true,
            other => matches!(&other[..2], b"08" | b"40" | b"53" | b"57"),
        }
    }

    /// Whether the disk is full (53100).
    pub(crate) fn is_disk_full(&self) -> bool {
        self.code() == *b"53100"
    }

    /// Whether the error lies in the values of the statement: data exceptions (22) and violated
    /// constraints (23).
    pub(crate) fn is_of_data(&self) -> bool {
        matches!(&self.code()[..2], b"22" | b"23")
    }

    pub(super) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn code(&self) -> [u8; 5] {
        let [_, _, _, code @ ..] = self.0.load(Ordering::Relaxed).to_be_bytes();
        code
    }

    fn set(&self, code: [u8; 5]) {
        let code = code.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
        self.0.store(code, Ordering::Relaxed);
    }
}

/// A stream from the server that remembers the SQLSTATE of error responses.
pub(super) struct Tapped<S> {
    stream: S,
    parser: MessageParser,
    last: SqlState,
}

impl<S> Tapped<S> {
    /// Taps a stream that is at the start of a message.
    pub(super) fn new(stream: S, last: SqlState) -> Self {
        Self {
            stream,
            parser: MessageParser::default(),
            last,
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
    /// The remaining bytes of the body.
    left: usize,
    /// The body, if the message is an error response.
    error: Option<Vec<u8>>,
}

const HEADER: usize = 5;

impl MessageParser {
    fn read(&mut self, mut bytes: &[u8], last: &SqlState) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let (body, rest) = bytes.split_at(self.left.min(bytes.len()));
                if let Some(error) = &mut self.error {
                    error.extend_from_slice(body);
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
                && let Some(code) = self.error.take().as_deref().and_then(code_of)
            {
                last.set(code);
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
            self.error = (*kind == b'E').then(Vec::new);
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
        let this = &mut *self;
        this.parser.read(&buf.filled()[before..], &this.last);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
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
            let (mut parser, last) = (MessageParser::default(), SqlState::default());
            parser.read(&rows, &last);
            assert!(!last.is_transient(), "a row is no error");
            let mut parser = MessageParser::default();
            bytes.chunks(size).for_each(|part| parser.read(part, &last));
            assert!(last.is_transient());
            last.clear();
            assert!(!last.is_transient());
        }
    }

    #[test]
    fn a_full_disk_and_a_violated_constraint_do_not_pass() {
        let last = SqlState::default();
        for (code, expected) in [(b"53100", false), (b"23505", false), (b"40P01", true)] {
            last.set(*code);
            assert_eq!(last.is_transient(), expected);
            assert_eq!(last.is_disk_full(), code == b"53100");
            assert_eq!(last.is_of_data(), code == b"23505");
        }
    }
}
