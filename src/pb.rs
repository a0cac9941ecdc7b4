//! The generated messages, clients and servers of `mailinggroups.v1`.

#![expect(clippy::allow_attributes, reason = "generated")]

include!(concat!(env!("OUT_DIR"), "/mailinggroups.v1.rs"));

/// The encoded descriptors of the package, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
