//! Compression of messages.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use http::{HeaderMap, HeaderValue};
use tonic::Status;

use crate::api::{
    incoming,
    status::{malformed, too_large, unknown_compression},
};

/// Shorter messages are not compressed.
const MIN_BYTES: usize = 1024;

/// Whether a header says that the messages of a request are compressed.
pub(super) fn is_used(headers: &HeaderMap, header: &str) -> Result<bool, Status> {
    match headers.get(header).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip") => Ok(true),
        Some(_) => Err(unknown_compression(header)),
    }
}

/// Whether the caller reads compressed messages.
pub(super) fn is_accepted(headers: &HeaderMap, header: &str) -> bool {
    let values = headers.get_all(header).iter();
    let mut names = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    names.any(|name| {
        let (name, weight) = name.split_once(';').unwrap_or((name, ""));
        name.trim() == "gzip" && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

/// A message with at most so many bytes.
pub(super) fn decompress(message: &[u8], max: usize) -> Result<Bytes, Status> {
    let mut read = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let decoded = GzDecoder::new(message).take(limit).read_to_end(&mut read);
    decoded.map_err(|error| malformed(format!("the message is not gzip: {error}")))?;
    if read.len() > max {
        return Err(too_large(max));
    }
    incoming::receive(read.len())?;
    Ok(read.into())
}

/// The message compressed, if that is worth it.
pub(super) fn compress(message: &[u8]) -> Option<Bytes> {
    if message.len() < MIN_BYTES {
        return None;
    }
    let compressed = || -> io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(message)?;
        encoder.finish()
    };
    compressed().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_within_its_limit() {
        let compressed = compress(&[0; 5000]).expect("worth it");
        assert_eq!(decompress(&compressed, 5000).expect("gzip").len(), 5000);
        let refused = decompress(&compressed, 4999).expect_err("too large");
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        let refused = decompress(b"text", 10).expect_err("not gzip");
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    }

    #[test]
    fn who_refuses_gzip_does_not_get_it() {
        let accepts = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            let headers = HeaderMap::from_iter([(http::header::ACCEPT_ENCODING, value)]);
            is_accepted(&headers, "accept-encoding")
        };
        assert!(accepts("gzip") && accepts("br, gzip;q=0.5") && accepts("deflate,gzip"));
        assert!(!accepts("br") && !accepts("gzip;q=0") && !accepts("identity"));
    }
}
