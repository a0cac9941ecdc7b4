//! A client on bare HTTP/2 frames, for what HTTP/2 clients do not do: it answers no ping and sends
//! several frames at once.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::raw::{GET, framed};
use crate::support::within;

/// Kinds of frames.
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

pub(crate) struct Frames {
    stream: TcpStream,
    unsent: Vec<u8>,
}

impl Frames {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = within(TcpStream::connect(address)).await;
        Self::over(stream.expect("a listener"))
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        let mut frames = Self {
            stream,
            unsent: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        };
        frames.add(SETTINGS, 0, 0, &[]);
        frames
    }

    fn add(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        self.unsent.extend(&length[1..]);
        self.unsent.extend([kind, flags]);
        self.unsent.extend(stream.to_be_bytes());
        self.unsent.extend(payload);
    }

    /// Begins a call without sending a message.
    pub(crate) fn open_call(&mut self, stream: u32) {
        self.add(HEADERS, END_HEADERS, stream, &headers());
    }

    /// Sends a part of the headers only.
    pub(crate) fn half_open(&mut self, stream: u32) {
        self.add(HEADERS, 0, stream, &headers()[..2]);
    }

    /// Makes a whole call.
    pub(crate) fn call(&mut self, stream: u32) {
        self.open_call(stream);
        self.add(DATA, END_STREAM, stream, &framed(&[]));
    }

    pub(crate) fn cancel_call(&mut self, stream: u32) {
        const CANCEL: u32 = 8;
        self.add(RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
    }

    pub(crate) fn ping(&mut self) {
        self.add(PING, 0, 0, &[0; 8]);
    }

    /// Sends everything at once.
    pub(crate) async fn send(&mut self) {
        let sent = self.stream.write_all(&self.unsent);
        within(sent).await.expect("sent");
        self.unsent.clear();
    }

    /// Reads until a frame of one of these kinds; pings of the server do not count.
    pub(crate) async fn until(&mut self, kinds: &[u8]) -> u8 {
        loop {
            let mut head = [0; 9];
            let read = self.stream.read_exact(&mut head);
            within(read).await.expect("a frame");
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            let read = self.stream.read_exact(&mut payload);
            within(read).await.expect("a whole frame");
            let (kind, flags) = (head[3], head[4]);
            if kinds.contains(&kind) && (kind != PING || flags == ACK) {
                return kind;
            }
        }
    }
}

/// The headers of a call in HPACK, with names from its static table.
fn headers() -> Vec<u8> {
    // POST and http.
    let mut headers = vec![0x83, 0x86];
    let mut add = |name: &[u8], value: &str| {
        headers.extend(name);
        headers.push(u8::try_from(value.len()).expect("short"));
        headers.extend(value.bytes());
    };
    // Path, authority, content type.
    add(&[0x04], GET);
    add(&[0x01], "test");
    add(&[0x0f, 0x10], "application/grpc");
    add(b"\x00\x02te", "trailers");
    headers
}
