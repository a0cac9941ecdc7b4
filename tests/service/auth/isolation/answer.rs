//! What an answer says, without what no two servers have in common.

use std::collections::{BTreeMap, HashMap};

use prost::encoding::{WireType, decode_key, decode_varint};
use prost_types::{DescriptorProto, MessageOptions, field_descriptor_proto::Type};
use tonic::{Code, Status};

use crate::{
    contract::hostile::FieldTexts,
    wire::raw::{Answer, error_info},
};

/// Which texts of answers are kept, and for which fields of requests.
const TOKENS: [(&str, &str); 3] = [
    ("next_page_token", "page_token"),
    ("resume_token", "resume_token"),
    ("etag", "etag"),
];

/// How many texts are kept for a field.
const KEPT: usize = 6;

/// Reads answers.
pub(super) struct Reader<'r> {
    pub(super) types: &'r HashMap<String, DescriptorProto>,
    /// The tokens and etags of all answers so far.
    pub(super) tokens: &'r mut FieldTexts,
}

impl Reader<'_> {
    /// All messages of an answer and how it ended.
    pub(super) fn read(&mut self, output: &str, answer: &Answer) -> String {
        let mut data = &answer.data[..];
        let mut said = Vec::new();
        while let Some((prefix, rest)) = data.split_at_checked(5) {
            let length = u32::from_be_bytes(prefix[1..].try_into().unwrap());
            let (message, rest) = rest.split_at(length as usize);
            data = rest;
            said.push(self.message(output, message));
        }
        // Only the passage of time makes empty messages, and repeats one.
        said.retain(|it| !it.is_empty());
        said.dedup();
        format!("{} {}", said.join("\n"), ending(&answer.status))
    }

    /// The fields of a message that has this type.
    fn message(&mut self, name: &str, mut bytes: &[u8]) -> String {
        let message = self.types[name].clone();
        let (mut fields, mut entries) = (Vec::new(), Vec::new());
        while !bytes.is_empty() {
            let (tag, wire) = decode_key(&mut bytes).unwrap();
            let number = decode_varint(&mut bytes).unwrap();
            let mut known = message.field.iter();
            let field = known.find(|it| it.number() == tag as i32).unwrap();
            if wire == WireType::Varint {
                fields.push(format!("{}: {number}", field.name()));
                continue;
            }
            let (content, rest) = bytes.split_at(number as usize);
            bytes = rest;
            let of_type = field.type_name();
            match field.r#type() {
                Type::Message if is_of_time(of_type) => {}
                Type::Message => {
                    let is_entry = self.types[of_type].options.as_ref();
                    let is_entry = is_entry.is_some_and(MessageOptions::map_entry);
                    let text = format!("{} {{{}}}", field.name(), self.message(of_type, content));
                    if is_entry { &mut entries } else { &mut fields }.push(text);
                }
                _ => fields.extend(self.text(field.name(), content)),
            }
        }
        entries.sort();
        fields.append(&mut entries);
        fields.join(", ")
    }

    fn text(&mut self, name: &str, content: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(content);
        let Some((_, taken_by)) = TOKENS.iter().find(|(token, _)| *token == name) else {
            return Some(format!("{name}: {text:?}"));
        };
        let kept = self.tokens.entry(taken_by).or_default();
        kept.push(text.into_owned());
        kept.drain(..kept.len().saturating_sub(KEPT));
        None
    }
}

/// Times, and messages that tell that time passes.
fn is_of_time(name: &str) -> bool {
    name == ".google.protobuf.Timestamp" || name.ends_with(".Heartbeat")
}

fn ending(status: &Status) -> String {
    if status.code() == Code::Ok {
        return "OK".to_owned();
    }
    let info = error_info(status);
    let metadata: BTreeMap<_, _> = info.metadata.into_iter().collect();
    let message = status.message();
    format!("{} {}: {message} {metadata:?}", status.code(), info.reason)
}
