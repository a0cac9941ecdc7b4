//! The methods from the descriptors: their names, and the class that limits their calls.

use std::collections::HashMap;

use prost::{DecodeError, Message};
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto};

/// Which limit applies to the calls of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MethodClass {
    /// One message in, one out.
    Unary,
    /// Streams in one direction or both.
    Stream,
    /// Streams until the caller or the server ends it: health and reflection.
    LongLived,
}

/// The server's methods by path (`/package.Service/Method`).
pub(super) struct MethodTable(HashMap<String, KnownMethod>);

/// The class, and whether a call takes one message.
type KnownMethod = (MethodClass, bool);

impl MethodTable {
    /// Reads encoded descriptor sets.
    pub(super) fn new(descriptor_sets: &[&[u8]]) -> Result<Self, DecodeError> {
        let mut classes = HashMap::new();
        for set in descriptor_sets {
            for file in FileDescriptorSet::decode(*set)?.file {
                classes.extend(classes_in(&file));
            }
        }
        Ok(Self(classes))
    }

    /// The method's class. An unknown method is refused at once, whatever its class.
    pub(super) fn class(&self, path: &str) -> MethodClass {
        self.0.get(path).map_or(MethodClass::Unary, |it| it.0)
    }

    /// Whether a call of the method takes one message.
    pub(super) fn takes_one_message(&self, path: &str) -> bool {
        self.0.get(path).is_none_or(|it| it.1)
    }

    /// The method's full name, without the leading slash, if the server has it.
    pub(super) fn name<'a>(&self, path: &'a str) -> Option<&'a str> {
        let known = self.0.contains_key(path);
        path.strip_prefix('/').filter(|_| known)
    }
}

fn classes_in(file: &FileDescriptorProto) -> Vec<(String, KnownMethod)> {
    let package = file.package();
    let mut classes = Vec::new();
    for service in &file.service {
        for method in &service.method {
            let path = format!("/{package}.{}/{}", service.name(), method.name());
            let known = (class(package, method), !method.client_streaming());
            classes.push((path, known));
        }
    }
    classes
}

fn class(package: &str, method: &MethodDescriptorProto) -> MethodClass {
    match method.client_streaming() || method.server_streaming() {
        false => MethodClass::Unary,
        true if package.starts_with("grpc.") => MethodClass::LongLived,
        true => MethodClass::Stream,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::reflection::DESCRIPTOR_SETS;

    #[test]
    fn every_method_has_its_class() {
        let methods = MethodTable::new(&DESCRIPTOR_SETS).expect("descriptors");
        let expected = [
            (
                "/mailinggroups.v1.MailingGroups/GetMailingGroup",
                MethodClass::Unary,
            ),
            (
                "/mailinggroups.v1.MailingGroups/StreamSegmentMembers",
                MethodClass::Stream,
            ),
            (
                "/mailinggroups.v1.Contacts/ImportContacts",
                MethodClass::Stream,
            ),
            (
                "/mailinggroups.v1.Contacts/ExportContacts",
                MethodClass::Stream,
            ),
            ("/grpc.health.v1.Health/Check", MethodClass::Unary),
            ("/grpc.health.v1.Health/Watch", MethodClass::LongLived),
            (
                "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                MethodClass::LongLived,
            ),
            (
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                MethodClass::LongLived,
            ),
        ];
        for (path, class) in expected {
            assert_eq!(
                (methods.class(path), methods.name(path)),
                (class, Some(&path[1..]))
            );
        }
        assert_eq!(methods.name("/no.such.Service/Method"), None);
    }
}
