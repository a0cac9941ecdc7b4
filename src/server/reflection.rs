//! Server reflection: v1, and v1alpha for clients that do not know v1.

use tonic::service::Routes;
use tonic_reflection::{
    pb,
    server::{Builder, Error},
};

/// The descriptors of everything served, and of the `google.rpc` error details, so that tools can
/// print them.
pub(super) const DESCRIPTOR_SETS: [&[u8]; 5] = [
    crate::pb::FILE_DESCRIPTOR_SET,
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_types::pb::FILE_DESCRIPTOR_SET,
    pb::v1::FILE_DESCRIPTOR_SET,
    pb::v1alpha::FILE_DESCRIPTOR_SET,
];

/// Who may ask for the descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reflection {
    /// Anyone.
    On,
    /// Callers that are authenticated.
    Authenticated,
    /// No one.
    Off,
}

pub(super) fn add_to(routes: Routes, reflection: Reflection) -> Result<Routes, Error> {
    if reflection == Reflection::Off {
        return Ok(routes);
    }
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
