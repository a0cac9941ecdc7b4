//! docs/openapi.yaml: the calls of one message as JSON.

mod schemas;
mod yaml;

use prost_reflect::{
    DescriptorPool, MethodDescriptor, prost_types::method_options::IdempotencyLevel,
};
use serde_json::{Value, json};

use self::{schemas::Schemas, yaml::yaml};
use super::{comment, idempotency, is_stream};

const ABOUT: &str = "\
The calls of one message of MailingGroups, as the Connect protocol has them: JSON over HTTP. docs/http.md describes \
the protocol with its streams, and docs/errors.md the reasons of errors.";

/// The document as YAML.
pub(super) fn document(pool: &DescriptorPool) -> String {
    let description = yaml(&description(pool));
    format!("# Made of the descriptors by `make api`.\n{description}")
}

fn description(pool: &DescriptorPool) -> Value {
    let mut schemas = Schemas::default();
    let (mut paths, mut tags) = (serde_json::Map::new(), Vec::new());
    for service in pool.services() {
        let about = comment(&service.parent_file(), service.path());
        tags.push(json!({"name": service.name(), "description": about}));
        for method in service.methods() {
            if !is_stream(&method) {
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
    if idempotency(method) != IdempotencyLevel::NoSideEffects {
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
