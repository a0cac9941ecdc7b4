//! The message of a GET, which is in the query of its URL.

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use percent_encoding::percent_decode;
use tonic::Status;

use super::format::MessageFormat;
use crate::api::status::{invalid_field, unknown_compression};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The parameters of a GET.
pub(super) struct GetQuery {
    pub(super) format: MessageFormat,
    pub(super) message: Bytes,
    pub(super) is_gzip: bool,
}

impl GetQuery {
    pub(super) fn parse(query: &str) -> Result<Self, Status> {
        let value = |name: &str| parameter(query, name);
        if value("connect").is_some_and(|version| version != b"v1") {
            return Err(invalid_field("connect", "must be v1"));
        }
        let encoding = value("encoding").unwrap_or_default();
        let format = str::from_utf8(&encoding).ok().and_then(MessageFormat::of);
        let format = format.ok_or_else(|| invalid_field("encoding", "must be json or proto"))?;
        let message = value("message")
            .ok_or_else(|| invalid_field("message", "must be set: the request, such as %7B%7D"))?;
        let is_gzip = match value("compression").unwrap_or_default().as_slice() {
            b"" | b"identity" => false,
            b"gzip" => true,
            _ => return Err(unknown_compression("compression")),
        };
        let message = match value("base64").as_deref() {
            None | Some(b"0") => message,
            Some(b"1") => BASE64.decode(message).map_err(|error| {
                invalid_field("message", format!("must be URL-safe base64: {error}"))
            })?,
            Some(_) => return Err(invalid_field("base64", "must be 1")),
        };
        Ok(Self {
            format,
            message: message.into(),
            is_gzip,
        })
    }
}

/// The decoded value of a parameter; bytes, because a message may be binary.
fn parameter(query: &str, name: &str) -> Option<Vec<u8>> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    let value = value.replace('+', " ");
    Some(percent_decode(value.as_bytes()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<(MessageFormat, Bytes), String> {
        let query = GetQuery::parse(query).map_err(|it| it.message().to_owned())?;
        Ok((query.format, query.message))
    }

    #[test]
    fn a_message_is_text_or_base64() {
        let json = Ok((MessageFormat::Json, Bytes::from_static(b"{\"a\": 1}")));
        assert_eq!(read("encoding=json&message=%7B%22a%22:+1%7D"), json);
        for message in ["eyJhIjogMX0", "eyJhIjogMX0=", "eyJhIjogMX0%3D"] {
            let query = format!("connect=v1&base64=1&encoding=json&message={message}");
            assert_eq!(read(&query), json);
        }
        let binary = Ok((MessageFormat::Proto, Bytes::from_static(b"\xff")));
        assert_eq!(read("message=%FF&encoding=proto"), binary);
    }

    #[test]
    fn a_mistake_names_its_parameter() {
        for (query, mistake) in [
            ("", "encoding must be"),
            ("encoding=xml&message=", "encoding must be"),
            ("encoding=json", "message must be set"),
            (
                "encoding=json&message=!&base64=1",
                "message must be URL-safe",
            ),
            ("encoding=json&message=&base64=2", "base64 must be 1"),
            (
                "encoding=json&message=&compression=br",
                "compression must be",
            ),
            ("encoding=json&message=&connect=v2", "connect must be v1"),
        ] {
            let refused = read(query).expect_err(query);
            assert!(refused.starts_with(mistake), "{query}: {refused}");
        }
    }
}
