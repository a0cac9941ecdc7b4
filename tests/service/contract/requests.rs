//! What the requests of calls that change something have in common.

use prost_types::{
    DescriptorProto, MethodDescriptorProto, field_descriptor_proto::Type,
    method_options::IdempotencyLevel,
};

use super::{files, messages};

/// These can be repeated by nature, and are called too often to keep what each one did.
const WITHOUT_REQUEST_ID: [&str; 2] = ["AssignMailingGroup", "UnassignMailingGroup"];

/// Calls whose effect is large, or hard to undo.
const WITH_DRY_RUN: [&str; 9] = [
    "Delete", "Merge", "Rename", "Replace", "Apply", "Replay", "Batch", "Import", "GoBack",
];

/// Every call that changes something, and its request.
fn mutations() -> Vec<(MethodDescriptorProto, DescriptorProto)> {
    let files = files();
    let requests: Vec<_> = files.iter().flat_map(messages).cloned().collect();
    let methods = files.iter().flat_map(|it| &it.service);
    let methods = methods.flat_map(|it| &it.method).filter(|method| {
        let level = method.options.as_ref().unwrap().idempotency_level();
        level != IdempotencyLevel::NoSideEffects
    });
    let request = |method: &MethodDescriptorProto| {
        let mut requests = requests.iter();
        let wanted = format!("{}Request", method.name());
        requests.find(|it| it.name() == wanted).unwrap().clone()
    };
    methods.map(|it| (it.clone(), request(it))).collect()
}

/// The number and type of a field.
fn field(message: &DescriptorProto, name: &str) -> Option<(i32, Type)> {
    let mut fields = message.field.iter();
    let found = fields.find(|it| it.name() == name)?;
    Some((found.number(), found.r#type()))
}

#[test]
fn calls_that_change_something_take_a_request_id() {
    for (method, request) in mutations() {
        let expected =
            match method.client_streaming() || WITHOUT_REQUEST_ID.contains(&method.name()) {
                true => None,
                false => Some((15, Type::String)),
            };
        assert_eq!(field(&request, "request_id"), expected, "{}", method.name());
    }
}

#[test]
fn calls_with_a_large_effect_have_a_dry_run() {
    for (method, request) in mutations() {
        let name = method.name();
        if !WITH_DRY_RUN.iter().any(|it| name.starts_with(it)) {
            continue;
        }
        if !method.client_streaming() {
            let expected = Some((14, Type::Bool));
            assert_eq!(field(&request, "validate_only"), expected, "{name}");
            continue;
        }
        let start = request.nested_type.iter().find(|it| it.name() == "Start");
        let found = field(start.unwrap(), "validate_only");
        assert_eq!(found.unwrap().1, Type::Bool, "{name}");
    }
}

#[test]
fn etags_and_dry_runs_have_the_same_number_in_every_request() {
    for (method, request) in mutations() {
        for (name, number) in [("etag", 13), ("validate_only", 14)] {
            let found = field(&request, name).map(|it| it.0);
            assert!(found.is_none_or(|it| it == number), "{}", method.name());
        }
    }
}

#[test]
fn counts_have_64_bits() {
    for message in files().iter().flat_map(messages) {
        for field in &message.field {
            if field.name().ends_with("_count") {
                assert_eq!(field.r#type(), Type::Int64, "{}", field.name());
            }
        }
    }
}
