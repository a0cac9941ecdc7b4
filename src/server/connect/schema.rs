//! The methods from the descriptors: what their messages look like.

use std::{collections::HashMap, sync::Arc};

use prost_reflect::{
    DescriptorError, DescriptorPool, MessageDescriptor, MethodDescriptor,
    prost_types::{MethodOptions, method_options::IdempotencyLevel},
};

use crate::server::reflection::DESCRIPTOR_SETS;

/// The messages of all methods, and of the details of errors.
pub(super) struct Schema {
    pool: DescriptorPool,
    methods: HashMap<String, Arc<MethodSchema>>,
}

/// The messages of one method.
pub(super) struct MethodSchema {
    pub(super) input: MessageDescriptor,
    pub(super) output: MessageDescriptor,
    /// In one direction or both.
    pub(super) streams: bool,
    /// Whether a GET may call it.
    pub(super) only_reads: bool,
}

impl Schema {
    pub(super) fn new() -> Result<Self, DescriptorError> {
        let mut pool = DescriptorPool::new();
        for set in DESCRIPTOR_SETS {
            pool.decode_file_descriptor_set(set)?;
        }
        let methods = pool.services().flat_map(|service| {
            let methods: Vec<_> = service.methods().map(|it| entry(&it)).collect();
            methods
        });
        let methods = methods.collect();
        Ok(Self { pool, methods })
    }

    /// The method of a path (`/package.Service/Method`).
    pub(super) fn method(&self, path: &str) -> Option<&Arc<MethodSchema>> {
        self.methods.get(path)
    }

    /// The message with this full name.
    pub(super) fn message(&self, name: &str) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(name)
    }
}

fn entry(method: &MethodDescriptor) -> (String, Arc<MethodSchema>) {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let options = method.method_descriptor_proto().options.as_ref();
    let level = options.map(MethodOptions::idempotency_level);
    let schema = MethodSchema {
        input: method.input(),
        output: method.output(),
        streams: method.is_client_streaming() || method.is_server_streaming(),
        only_reads: level == Some(IdempotencyLevel::NoSideEffects),
    };
    (path, Arc::new(schema))
}
