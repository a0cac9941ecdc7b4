//! The rules of the contract in `proto/` that neither the compiler nor `buf lint` checks.

mod access;
pub(crate) mod hostile;
mod keywords;
mod options;
mod requests;
mod retries;

use std::collections::HashMap;

use mailing_groups::pb::FILE_DESCRIPTOR_SET;
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto};

const PACKAGE: &str = "mailinggroups.v1";

/// The files of the contract, without the ones of Google that they import.
fn files() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let own = set.file.into_iter().filter(|it| it.package() == PACKAGE);
    let own: Vec<_> = own.collect();
    assert!(own.len() > 5, "the contract is elsewhere");
    own
}

/// All messages of a file, nested ones too.
fn messages(file: &FileDescriptorProto) -> Vec<&DescriptorProto> {
    let mut open: Vec<_> = file.message_type.iter().collect();
    let mut found = Vec::new();
    while let Some(message) = open.pop() {
        open.extend(&message.nested_type);
        found.push(message);
    }
    found
}

/// The messages of the contract and of those that it imports, by their full names.
pub(crate) fn message_types() -> HashMap<String, DescriptorProto> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut messages = HashMap::new();
    for file in &set.file {
        for message in &file.message_type {
            add(&mut messages, &format!(".{}", file.package()), message);
        }
    }
    messages
}

/// Adds a message and those in it, by their full names.
fn add(messages: &mut HashMap<String, DescriptorProto>, outer: &str, message: &DescriptorProto) {
    let name = format!("{outer}.{}", message.name());
    for inner in &message.nested_type {
        add(messages, &name, inner);
    }
    messages.insert(name, message.clone());
}

/// The paths of all RPCs.
pub(crate) fn methods() -> Vec<(String, MethodDescriptorProto)> {
    let files = files();
    let services = files.iter().flat_map(|it| &it.service);
    let methods = services.flat_map(|service| {
        let path =
            |it: &MethodDescriptorProto| format!("/{PACKAGE}.{}/{}", service.name(), it.name());
        service.method.iter().map(move |it| (path(it), it.clone()))
    });
    methods.collect()
}
