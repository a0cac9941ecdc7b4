//! Messages as schemas of their JSON.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use crate::reference::{comment, is_optional, short};

/// The schemas of the messages that were named, and of those in them.
#[derive(Default)]
pub(super) struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// A reference to the schema of a message, or the schema of one that JSON writes in its own way.
    pub(super) fn message(&mut self, message: &MessageDescriptor) -> Value {
        match message.full_name() {
            "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
            "google.protobuf.FieldMask" => json!({
                "type": "string",
                "description": "Paths of fields in lowerCamelCase, separated by commas.",
            }),
            "google.protobuf.Duration" => json!({"type": "string", "pattern": r"^-?\d+(\.\d+)?s$"}),
            name => {
                let name = short(name).to_owned();
                if !self.0.contains_key(&name) {
                    // First, for a message that has itself.
                    self.0.insert(name.clone(), Value::Null);
                    let schema = self.object(message);
                    self.0.insert(name.clone(), schema);
                }
                reference(&name)
            }
        }
    }

    fn object(&mut self, message: &MessageDescriptor) -> Value {
        let mut properties = serde_json::Map::new();
        for field in message.fields() {
            let mut schema = self.field(&field);
            let mut about = comment(&field.parent_file(), field.path());
            if let Some(oneof) = field.containing_oneof().filter(|_| !is_optional(&field)) {
                let names: Vec<_> = oneof.fields().map(|it| it.json_name().to_owned()).collect();
                about = format!("{about}\nAt most one of {} is set.", names.join(", "));
            }
            if let Some(own) = schema.get("description").and_then(Value::as_str) {
                about = format!("{about}\n{own}");
            }
            schema["description"] = about.into();
            properties.insert(field.json_name().to_owned(), schema);
        }
        json!({
            "type": "object",
            "description": comment(&message.parent_file(), message.path()),
            "properties": properties,
        })
    }

    fn field(&mut self, field: &FieldDescriptor) -> Value {
        let kind = field.kind();
        if let (true, Kind::Message(entry)) = (field.is_map(), &kind) {
            let values = self.kind(&entry.map_entry_value_field().kind());
            return json!({"type": "object", "additionalProperties": values});
        }
        let schema = self.kind(&kind);
        match field.is_list() {
            true => json!({"type": "array", "items": schema}),
            false => schema,
        }
    }

    fn kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::String => json!({"type": "string"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Int32 | Kind::Uint32 => json!({"type": "integer", "format": "int32"}),
            // As a string in answers, and as either in requests.
            Kind::Int64 | Kind::Uint64 => json!({"type": ["string", "integer"], "format": "int64"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Message(message) => self.message(message),
            Kind::Enum(values) => self.enumeration(values),
            other => panic!("no field is {other:?}"),
        }
    }

    fn enumeration(&mut self, values: &EnumDescriptor) -> Value {
        let name = short(values.full_name()).to_owned();
        let file = values.parent_file();
        let lines = values.values().map(|it| {
            let about = comment(&file, it.path()).replace('\n', " ");
            format!("- {}: {about}", it.name())
        });
        let lines: Vec<_> = lines.collect();
        let names: Vec<_> = values.values().map(|it| it.name().to_owned()).collect();
        let about = comment(&file, values.path());
        let schema = json!({
            "type": "string",
            "description": format!("{about}\n\n{}", lines.join("\n")),
            "enum": names,
        });
        self.0.insert(name.clone(), schema);
        reference(&name)
    }

    /// All schemas, with that of errors.
    pub(super) fn finish(mut self) -> BTreeMap<String, Value> {
        self.0.insert("Error".to_owned(), error());
        self.0
    }
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["code"],
        "properties": {
            "code": {
                "type": "string",
                "enum": [
                    "canceled",
                    "unknown",
                    "invalid_argument",
                    "deadline_exceeded",
                    "not_found",
                    "already_exists",
                    "permission_denied",
                    "resource_exhausted",
                    "failed_precondition",
                    "aborted",
                    "out_of_range",
                    "unimplemented",
                    "internal",
                    "unavailable",
                    "data_loss",
                    "unauthenticated",
                ],
            },
            "message": {"type": "string"},
            "details": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["type", "value"],
                    "properties": {
                        "type": {"type": "string", "examples": ["google.rpc.ErrorInfo"]},
                        "value": {"type": "string", "contentEncoding": "base64", "description": "The detail as protobuf, without padding."},
                        "debug": {"type": "object", "description": "The same as JSON."},
                    },
                },
            },
        },
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}
