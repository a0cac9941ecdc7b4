//! The methods from the descriptors: their names, the class that limits their calls, what their callers
//! must show, and their metrics.

use std::{collections::HashMap, sync::Arc};

use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto};

use super::{Error, call_metrics::MethodMetrics, reflection::Reflection};
use crate::{
    api::caller::required_access,
    model::AccessLevel,
    pb::{identity_server, method_access, tenants_server},
};

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

/// What the caller of a method must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccessRule {
    /// Nothing.
    Open,
    /// Who it is.
    Authenticated,
    /// The access to the tenant that the metadata names.
    Tenant(AccessLevel),
    /// The access, to the tenant that the message names.
    NamedTenant(AccessLevel),
}

/// The server's methods by path (`/package.Service/Method`).
pub(super) struct MethodTable {
    known: HashMap<String, Arc<KnownMethod>>,
    unknown: Arc<KnownMethod>,
}

/// A method of the server.
pub(super) struct KnownMethod {
    /// The full name, without a leading slash.
    pub(super) name: String,
    pub(super) class: MethodClass,
    /// Whether a call takes one message.
    pub(super) takes_one_message: bool,
    pub(super) access_rule: AccessRule,
    pub(super) metrics: MethodMetrics,
}

/// In place of the name of a method that the server does not have: those are made up by callers.
const UNKNOWN: &str = "_OTHER";

impl KnownMethod {
    /// Whether it is of this service, and not health or reflection.
    pub(super) fn is_of_service(&self) -> bool {
        !self.name.starts_with("grpc.")
    }

    /// Whether its calls work in a tenant, and count against the limits of that. An administrator must
    /// be able to raise them.
    pub(super) fn is_of_tenant(&self) -> bool {
        self.is_of_service() && !self.name.starts_with("mailinggroups.v1.Tenants/")
    }
}

impl MethodTable {
    /// Reads encoded descriptor sets. Every method of the services needs an access.
    pub(super) fn new(descriptor_sets: &[&[u8]], reflection: Reflection) -> Result<Self, Error> {
        let mut known = HashMap::new();
        for set in descriptor_sets {
            for file in FileDescriptorSet::decode(*set)?.file {
                known.extend(methods_in(&file, reflection)?);
            }
        }
        Ok(Self {
            known,
            // Refused at once, whatever its class. Only known callers learn that there is no such
            // method.
            unknown: Arc::new(KnownMethod {
                name: UNKNOWN.to_owned(),
                class: MethodClass::Unary,
                takes_one_message: true,
                access_rule: AccessRule::Authenticated,
                metrics: MethodMetrics::new(UNKNOWN, UNKNOWN, (false, false)),
            }),
        })
    }

    /// The method of a path; one stands for all that the server does not have.
    pub(super) fn get(&self, path: &str) -> &Arc<KnownMethod> {
        self.known.get(path).unwrap_or(&self.unknown)
    }
}

fn methods_in(
    file: &FileDescriptorProto,
    reflection: Reflection,
) -> Result<Vec<(String, Arc<KnownMethod>)>, Error> {
    let package = file.package();
    let access: HashMap<_, _> = method_access().collect();
    let mut methods = Vec::new();
    for descriptor in &file.service {
        let service = format!("{package}.{}", descriptor.name());
        for method in &descriptor.method {
            let name = format!("{service}/{}", method.name());
            let path = format!("/{name}");
            let access = access.get(path.as_str()).copied().and_then(required_access);
            let access_rule = access_rule(&service, access, reflection);
            let streams = (method.client_streaming(), method.server_streaming());
            let known = KnownMethod {
                class: class(package, method),
                takes_one_message: !method.client_streaming(),
                access_rule: access_rule.ok_or_else(|| Error::NoAccess(name.clone()))?,
                metrics: MethodMetrics::new(&service, method.name(), streams),
                name,
            };
            methods.push((path, Arc::new(known)));
        }
    }
    Ok(methods)
}

/// What the callers of a service's method must show; `None` if that is not known.
fn access_rule(
    service: &str,
    access: Option<AccessLevel>,
    reflection: Reflection,
) -> Option<AccessRule> {
    match (service, access) {
        ("grpc.health.v1.Health", _) => Some(AccessRule::Open),
        (name, _) if name.starts_with("grpc.reflection.") => Some(match reflection {
            Reflection::On => AccessRule::Open,
            Reflection::Authenticated | Reflection::Off => AccessRule::Authenticated,
        }),
        (identity_server::SERVICE_NAME, Some(_)) => Some(AccessRule::Authenticated),
        (tenants_server::SERVICE_NAME, Some(access)) => Some(AccessRule::NamedTenant(access)),
        (_, access) => access.map(AccessRule::Tenant),
    }
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
        let methods = MethodTable::new(&DESCRIPTOR_SETS, Reflection::On).expect("descriptors");
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
            let method = methods.get(path);
            assert_eq!((method.class, &*method.name), (class, &path[1..]));
        }
        assert_eq!(methods.get("/no.such.Service/Method").name, UNKNOWN);
    }
}
