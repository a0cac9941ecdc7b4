//! docs/openapi.yaml describes the calls of one message as JSON. It is made of the descriptors;
//! `UPDATE_OPENAPI=1` writes it.

mod schemas;
mod yaml;

use std::{env, fs, path::Path};

use mailing_groups::pb::FILE_DESCRIPTOR_SET;
use prost_reflect::{
    DescriptorPool, FileDescriptor, MethodDescriptor,
    prost_types::{MethodOptions, method_options::IdempotencyLevel, source_code_info::Location},
};
use serde_json::{Value, json};

use self::{schemas::Schemas, yaml::yaml};

const ABOUT: &str = "\
The calls of one message of MailingGroups, as the Connect protocol has them: JSON over HTTP. docs/http.md describes \
the protocol with its streams, and docs/errors.md the reasons of errors.";

/// The comment of an element of a file.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let mut locations = info.into_iter().flat_map(|it| &it.location);
    let location = locations.find(|it| it.path == path);
    let text = location.map_or("", Location::leading_comments);
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

fn document() -> Value {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut schemas = Schemas::default();
    let (mut paths, mut tags) = (serde_json::Map::new(), Vec::new());
    for service in pool.services() {
        let about = comment(&service.parent_file(), service.path());
        tags.push(json!({"name": service.name(), "description": about}));
        for method in service.methods() {
            if !method.is_client_streaming() && !method.is_server_streaming() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                paths.insert(path, operations(&method, &mut schemas));
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "MailingGroups",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:8080"}],
        "security": [{}, {"bearer": []}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token (JWT) or an API key."},
            },
            "parameters": {
                "tenant": header("x-tenant", "Whose data the call works on.", json!({"type": "string", "pattern": "^[a-z0-9-]{1,63}$"})),
                "requestId": header("x-request-id", "An id of the call that appears in logs and errors.", json!({"type": "string"})),
                "timeout": header("connect-timeout-ms", "The deadline, in milliseconds.", json!({"type": "integer", "minimum": 0})),
            },
            "responses": {
                "error": {
                    "description": "The call failed.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                },
            },
            "schemas": schemas.finish(),
        },
    })
}

fn header(name: &str, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": "header", "description": description, "schema": schema})
}

/// The operations of a method: POST, and GET if it only reads.
fn operations(method: &MethodDescriptor, schemas: &mut Schemas) -> Value {
    let service = method.parent_service();
    let (input, output) = (
        schemas.message(&method.input()),
        schemas.message(&method.output()),
    );
    let operation = |suffix: &str, own: Value| {
        let mut parameters: Vec<_> = own.as_array().unwrap().clone();
        let in_tenant = !matches!(service.name(), "Tenants" | "Identity");
        let names = in_tenant.then_some("tenant").into_iter();
        for name in names.chain(["requestId", "timeout"]) {
            parameters.push(json!({"$ref": format!("#/components/parameters/{name}")}));
        }
        json!({
            "operationId": format!("{}{suffix}", method.name()),
            "tags": [service.name()],
            "description": comment(&method.parent_file(), method.path()),
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": "The answer.",
                    "content": {"application/json": {"schema": output}},
                },
                "default": {"$ref": "#/components/responses/error"},
            },
        })
    };
    let mut post = operation("", json!([]));
    post["requestBody"] = json!({
        "required": true,
        "content": {"application/json": {"schema": input}},
    });
    let options = method.method_descriptor_proto().options.as_ref();
    let level = options.map(MethodOptions::idempotency_level);
    if level != Some(IdempotencyLevel::NoSideEffects) {
        return json!({"post": post});
    }
    let get = operation(
        "ByGet",
        json!([
            {"name": "encoding", "in": "query", "required": true, "schema": {"const": "json"}},
            {
                "name": "message",
                "in": "query",
                "required": true,
                "content": {"application/json": {"schema": input}},
            },
        ]),
    );
    json!({"get": get, "post": post})
}

#[test]
fn the_document_is_that_of_the_descriptors() {
    let made = format!(
        "# Made of the descriptors by `make openapi`.\n{}",
        yaml(&document())
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.yaml");
    if env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(made == written, "run make openapi");
}
