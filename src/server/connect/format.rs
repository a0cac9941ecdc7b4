//! How messages are written: as protobuf, or as its JSON.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor};
use serde_json::error::Category;
use tonic::Status;

use crate::api::{
    incoming,
    status::{internal, invalid_field, malformed},
};

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageFormat {
    Json,
    Proto,
}

/// The most objects of a JSON text, which is twice as many as a request can have, and the most values.
const MAX_OBJECTS: usize = 20_000;
const MAX_VALUES: usize = 200_000;

/// What an object and a value take in memory while they are converted, about.
const OBJECT_BYTES: usize = 1024;
const VALUE_BYTES: usize = 64;

/// The most characters of what is wrong with a JSON text, because it can repeat all of the text.
const MAX_FAULT: usize = 200;

impl MessageFormat {
    /// What a request has after `application/` or `application/connect+`.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "proto" => Some(Self::Proto),
            _ => None,
        }
    }

    /// The content type of one message, and of a stream of them.
    pub(super) fn content_type(self, streams: bool) -> &'static str {
        match (self, streams) {
            (Self::Json, false) => "application/json",
            (Self::Json, true) => "application/connect+json",
            (Self::Proto, false) => "application/proto",
            (Self::Proto, true) => "application/connect+proto",
        }
    }

    /// A message as gRPC has it, with its head.
    pub(super) fn to_grpc(
        self,
        message: &[u8],
        descriptor: &MessageDescriptor,
    ) -> Result<Bytes, Status> {
        match self {
            Self::Json => {
                let message = parse(message, descriptor)?;
                let message = message.encode_to_vec();
                Ok(framed(&message))
            }
            Self::Proto => Ok(framed(message)),
        }
    }

    /// A message of an answer.
    pub(super) fn of_protobuf(
        self,
        message: Bytes,
        descriptor: &MessageDescriptor,
    ) -> Result<Bytes, Status> {
        match self {
            Self::Json => {
                let message = DynamicMessage::decode(descriptor.clone(), message);
                let message = message.map_err(|_| internal())?;
                let json = serde_json::to_vec(&message).map_err(|_| internal())?;
                Ok(json.into())
            }
            Self::Proto => Ok(message),
        }
    }
}

/// A message with its head: no compression, and the length.
fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(message);
    frame.freeze()
}

fn parse(json: &[u8], descriptor: &MessageDescriptor) -> Result<DynamicMessage, Status> {
    incoming::receive(weigh(json)?)?;
    let mut reader = serde_json::Deserializer::from_slice(json);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    let options = DeserializeOptions::new();
    let read = DynamicMessage::deserialize_with_options(descriptor.clone(), tracked, &options);
    let read = read.and_then(|message| reader.end().map(|()| message));
    read.map_err(|error| refusal(&error, &track.path().to_string(), descriptor))
}

fn refusal(error: &serde_json::Error, path: &str, descriptor: &MessageDescriptor) -> Status {
    let fault: String = error.to_string().chars().take(MAX_FAULT).collect();
    match error.classify() {
        Category::Data if path != "." => invalid_field(path, format!("cannot be read: {fault}")),
        Category::Data => malformed(format!("{}: {fault}", descriptor.full_name())),
        Category::Io | Category::Syntax | Category::Eof => {
            malformed(format!("the message is not JSON, such as {{}}: {fault}"))
        }
    }
}

/// What a JSON text takes in memory while it is converted: a few bytes can become a map of many.
///
/// A field mask is one string of many paths. A message has one at most, so of all strings that with most
/// commas counts; a comma can be written as an escape.
fn weigh(json: &[u8]) -> Result<usize, Status> {
    let (mut objects, mut values, mut in_text, mut escaped) = (0, 0, false, false);
    let (mut paths, mut most_paths) = (0_usize, 0_usize);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'"' => {
                in_text = !in_text;
                paths = 0;
            }
            b',' | b'\\' if in_text => {
                escaped = *byte == b'\\';
                paths += 1;
                most_paths = most_paths.max(paths);
            }
            _ if in_text => {}
            b'{' => objects += 1,
            b',' => values += 1,
            _ => {}
        }
    }
    values += most_paths;
    for (count, max, what) in [
        (objects, MAX_OBJECTS, "objects"),
        (values, MAX_VALUES, "values"),
    ] {
        if count > max {
            let text = format!("the message must have at most {max} {what}; it has {count}");
            return Err(malformed(text));
        }
    }
    Ok(objects * OBJECT_BYTES + values * VALUE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::connect::schema::Schema;

    #[test]
    fn of_strings_that_with_most_commas_counts() {
        let json = br#"{"a": "{{x,y", "b": [{}, 1, "{,\",\u002c"]}"#;
        let weight = weigh(json).expect("small");
        assert_eq!(weight, 2 * OBJECT_BYTES + (3 + 4) * VALUE_BYTES);
    }

    #[test]
    fn a_message_has_a_bounded_number_of_objects_and_values() {
        let refused = |json: &[u8]| weigh(json).map_err(|it| it.message().to_owned());
        assert!(refused(&b"{".repeat(20_000)).is_ok());
        let objects = refused(&b"{".repeat(20_001)).expect_err("too many");
        assert_eq!(
            objects,
            "the message must have at most 20000 objects; it has 20001"
        );
        let values = refused(&b"0,".repeat(200_001)).expect_err("too many");
        assert!(values.contains("200000 values"), "{values}");
        let mask = format!("{{\"updateMask\": \"{}\"}}", "a,".repeat(200_001));
        let paths = refused(mask.as_bytes()).expect_err("too many");
        assert!(paths.contains("200000 values"), "{paths}");
    }

    #[test]
    fn what_is_wrong_does_not_repeat_a_long_text() {
        let schema = Schema::new().expect("descriptors");
        let method = schema.method("/mailinggroups.v1.Contacts/CreateContact");
        let input = &method.expect("a method").input;
        let long = "a".repeat(10_000);
        for (json, fault) in [
            (format!(r#"{{"{long}": 1}}"#), "unrecognized field"),
            (
                format!(r#"{{"contact": {{"kind": "{long}"}}}}"#),
                "contact.kind cannot be read",
            ),
        ] {
            let refused = parse(json.as_bytes(), input).expect_err(fault);
            assert!(refused.message().contains(fault), "{refused}");
            assert!(refused.message().len() < 500, "{refused}");
            assert!(refused.details().len() < 1_500, "{refused}");
        }
    }
}
