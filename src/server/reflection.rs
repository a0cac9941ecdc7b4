//! Server reflection, in the version clients ask for first and the one some still need.

use tonic::service::Routes;
use tonic_reflection::{
    pb,
    server::{Builder, Error},
};

/// The descriptors of all that is served, and of the `google.rpc` error details, so that tools
/// can print these.
pub(super) const DESCRIPTOR_SETS: [&[u8]; 5] = [
    crate::pb::FILE_DESCRIPTOR_SET,
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_types::pb::FILE_DESCRIPTOR_SET,
    pb::v1::FILE_DESCRIPTOR_SET,
    pb::v1alpha::FILE_DESCRIPTOR_SET,
];

/// Adds reflection to `routes`.
pub(super) fn add_to(routes: Routes) -> Result<Routes, Error> {
    Ok(routes
        .add_service(builder().build_v1()?)
        .add_service(builder().build_v1alpha()?))
}

fn builder() -> Builder<'static> {
    let empty = Builder::configure().include_reflection_service(false);
    DESCRIPTOR_SETS
        .into_iter()
        .fold(empty, Builder::register_encoded_file_descriptor_set)
}
