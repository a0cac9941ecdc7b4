//! The rules of the contract in `proto/` that neither the compiler nor `buf lint` checks.

mod access;
pub(crate) mod hostile;
mod keywords;
mod options;
mod requests;

use mailing_groups::pb::FILE_DESCRIPTOR_SET;
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

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
