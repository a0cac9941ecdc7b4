//! Requests written as JSON.

use std::collections::HashMap;

use prost::encoding;
use prost_types::{
    DescriptorProto, FieldDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use serde_json::Value;

/// The types of all messages, by their full names.
pub(super) type Types = HashMap<String, DescriptorProto>;

/// A message of this type, encoded. Enums are numbers.
pub(super) fn encoded(types: &Types, name: &str, message: &Value) -> Vec<u8> {
    let mut encoded = Vec::new();
    for (key, value) in message.as_object().expect("an object") {
        let mut fields = types[name].field.iter();
        let field = fields.find(|it| it.name() == key);
        let field = field.unwrap_or_else(|| panic!("no {key} in {name}"));
        match value {
            Value::Array(values) if field.label() == Label::Repeated => {
                for value in values {
                    encode(types, field, value, &mut encoded);
                }
            }
            value => encode(types, field, value, &mut encoded),
        }
    }
    encoded
}

fn encode(types: &Types, field: &FieldDescriptorProto, value: &Value, to: &mut Vec<u8>) {
    let tag = field.number().cast_unsigned();
    let content = match field.r#type() {
        Type::String => value.as_str().expect("a text").as_bytes().to_vec(),
        Type::Message => encoded(types, field.type_name(), value),
        Type::Bool => {
            let number = i64::from(value.as_bool().expect("a boolean"));
            return encoding::int64::encode(tag, &number, to);
        }
        Type::Enum | Type::Int32 | Type::Int64 => {
            let number = value.as_i64().expect("a number");
            return encoding::int64::encode(tag, &number, to);
        }
        other => panic!("no field of a request is {other:?}"),
    };
    encoding::bytes::encode(tag, &content, to);
}
