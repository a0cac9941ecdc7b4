//! What the descriptors say about each method: its name, and how long a call of it may last.

use std::collections::HashMap;

use prost::{DecodeError, Message};
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto};

/// How long calls of a method may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// One message in, one out.
    Unary,
    /// Streams in one direction or both.
    Stream,
    /// Streams for as long as the caller stays: health and reflection. Ends with the server.
    Standing,
}

/// The methods this server knows, by path (`/package.Service/Method`).
pub(super) struct Methods(HashMap<String, Class>);

impl Methods {
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

    /// The method's class. An unknown method is answered at once, so any class will do.
    pub(super) fn class(&self, path: &str) -> Class {
        self.0.get(path).copied().unwrap_or(Class::Unary)
    }

    /// The method's full name, without the leading slash, if the server knows it.
    pub(super) fn name<'a>(&self, path: &'a str) -> Option<&'a str> {
        let known = self.0.contains_key(path);
        path.strip_prefix('/').filter(|_| known)
    }
}

fn classes_in(file: &FileDescriptorProto) -> Vec<(String, Class)> {
    let package = file.package();
    let mut classes = Vec::new();
    for service in &file.service {
        for method in &service.method {
            let path = format!("/{package}.{}/{}", service.name(), method.name());
            classes.push((path, class(package, method)));
        }
    }
    classes
}

fn class(package: &str, method: &MethodDescriptorProto) -> Class {
    match method.client_streaming() || method.server_streaming() {
        false => Class::Unary,
        true if package.starts_with("grpc.") => Class::Standing,
        true => Class::Stream,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::reflection::DESCRIPTOR_SETS;

    #[test]
    fn every_method_has_its_class() {
        let methods = Methods::new(&DESCRIPTOR_SETS).expect("descriptors");
        let expected = [
            (
                "/mailinggroups.v1.MailingGroups/GetMailingGroup",
                Class::Unary,
            ),
            (
                "/mailinggroups.v1.MailingGroups/StreamSegmentMembers",
                Class::Stream,
            ),
            ("/mailinggroups.v1.Contacts/ImportContacts", Class::Stream),
            ("/mailinggroups.v1.Contacts/ExportContacts", Class::Stream),
            ("/grpc.health.v1.Health/Check", Class::Unary),
            ("/grpc.health.v1.Health/Watch", Class::Standing),
            (
                "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                Class::Standing,
            ),
            (
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                Class::Standing,
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
