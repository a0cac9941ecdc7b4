//! docs/openapi.yaml and docs/api.md are made of the descriptors; `UPDATE_API=1` writes them.

mod markdown;
mod openapi;

use std::{env, fs, path::Path};

use mailing_groups::pb::FILE_DESCRIPTOR_SET;
use prost_reflect::{
    DescriptorPool, FieldDescriptor, FileDescriptor, MethodDescriptor,
    prost_types::{MethodOptions, method_options::IdempotencyLevel, source_code_info::Location},
};

const PACKAGE: &str = "mailinggroups.v1";

fn pool() -> DescriptorPool {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap()
}

/// The comment of an element of a file.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let mut locations = info.into_iter().flat_map(|it| &it.location);
    let location = locations.find(|it| it.path == path);
    let text = location.map_or("", Location::leading_comments);
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

/// The name of a message or an enum in the package: `ImportContactsRequest.Start`.
fn short(full_name: &str) -> &str {
    let name = full_name.strip_prefix(PACKAGE);
    name.map_or(full_name, |it| it.trim_start_matches('.'))
}

fn idempotency(method: &MethodDescriptor) -> IdempotencyLevel {
    let options = method.method_descriptor_proto().options.clone();
    options
        .as_ref()
        .map(MethodOptions::idempotency_level)
        .unwrap_or_default()
}

fn is_stream(method: &MethodDescriptor) -> bool {
    method.is_client_streaming() || method.is_server_streaming()
}

fn is_optional(field: &FieldDescriptor) -> bool {
    field.field_descriptor_proto().proto3_optional()
}

/// Whether the file holds what was made; with `UPDATE_API` it does then.
fn is_current(path: &str, made: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if env::var_os("UPDATE_API").is_some() {
        fs::write(&path, made).unwrap();
    }
    fs::read_to_string(&path).unwrap_or_default() == made
}

#[test]
fn the_openapi_document_is_that_of_the_descriptors() {
    assert!(
        is_current("docs/openapi.yaml", &openapi::document(&pool())),
        "run make api"
    );
}

#[test]
fn the_reference_is_that_of_the_descriptors() {
    assert!(
        is_current("docs/api.md", &markdown::document(&pool())),
        "run make api"
    );
}
