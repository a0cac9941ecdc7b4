//! The generated messages, clients and servers of `mailinggroups.v1`.

#![expect(
    missing_docs,
    clippy::all,
    unreachable_pub,
    reason = "generated; the comments are in the protobuf definitions"
)]

tonic::include_proto!("mailinggroups.v1");

/// The encoded descriptors of the package, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
