//! The generated messages, clients and servers of `mailinggroups.v1`.

#![expect(clippy::allow_attributes, reason = "generated")]

include!(concat!(env!("OUT_DIR"), "/mailinggroups.v1.rs"));

/// The encoded descriptors of the package, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The access that each RPC needs, by path (`/package.Service/Method`), as numbers of [`Access`].
const METHOD_ACCESS: &[(&str, i32)] = &include!(concat!(env!("OUT_DIR"), "/access.rs"));

/// The access that each RPC needs, by path. A proxy or a middleware can check it.
pub fn method_access() -> impl Iterator<Item = (&'static str, Access)> {
    let known = |number: i32| Access::try_from(number).unwrap_or_default();
    METHOD_ACCESS
        .iter()
        .map(move |(path, number)| (*path, known(*number)))
}

impl Selection {
    /// What an expression selects.
    pub fn of_expression(expression: impl Into<String>, options: SelectionOptions) -> Self {
        Self {
            source: Some(selection::Source::Expression(expression.into())),
            options: Some(options),
        }
    }

    /// The members of a segment.
    pub fn of_segment(id: impl Into<String>) -> Self {
        Self {
            source: Some(selection::Source::SegmentId(id.into())),
            options: None,
        }
    }
}

// `build.rs` implements these traits from the descriptors.
include!(concat!(env!("OUT_DIR"), "/requests.rs"));
include!(concat!(env!("OUT_DIR"), "/repeated.rs"));

/// The repeated fields of a request, which the codec counts before it decodes them.
pub(crate) trait RepeatedFields {
    const REPEATED: &'static [RepeatedField];
}

/// A repeated field of a message or of a message in it.
pub(crate) struct RepeatedField {
    /// The path, such as `chunk.contacts`.
    pub(crate) name: &'static str,
    /// The same as field numbers.
    pub(crate) numbers: &'static [u32],
    /// Whether the items are varints, of which one field can hold many.
    pub(crate) varints: bool,
    /// Whether the items are the entries of a map.
    pub(crate) is_map: bool,
    /// The maximum number of items.
    pub(crate) max: usize,
}

/// The request of one RPC.
pub(crate) trait RpcRequest: prost::Message {
    /// The name of the RPC without its service.
    const RPC: &'static str;
}

/// A request of a list or stream of pages.
pub(crate) trait PagedRequest: RpcRequest {
    /// The page size and the page token or resume token.
    fn paging(&mut self) -> (&mut i32, &mut String);
}

/// A request that the caller may repeat under the same `request_id`.
pub(crate) trait IdempotentRequest: RpcRequest {
    fn request_id(&mut self) -> &mut String;

    /// Whether it is a dry run.
    fn validate_only(&self) -> bool;
}
