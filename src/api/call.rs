//! What a request says besides its message: whose data, which call, whether it is a repetition.

use prost::Message;
use sha2::{Digest, Sha256};
use tonic::Request;

use super::{field::Field, request_id};
use crate::domain::{Call, Once, Violation};

/// The metadata key that names the tenant.
const TENANT: &str = "x-tenant";

/// The tenant of a call that names none.
const DEFAULT_TENANT: &str = "default";

/// Takes a request apart: whose data it works on, and what it says.
pub(super) fn open<T>(request: Request<T>) -> Result<(Call, T), Violation> {
    let name = match request.metadata().get(TENANT) {
        None => DEFAULT_TENANT,
        Some(value) => value.to_str().field(TENANT)?,
    };
    let call = Call {
        tenant: name.parse().field(TENANT)?,
        request_id: request_id::current_or_new().to_string(),
    };
    Ok((call, request.into_inner()))
}

/// Takes the `request_id` out of a request, with a digest of the rest.
pub(super) fn once<T: Message>(
    rpc: &str,
    request: &mut T,
    request_id: fn(&mut T) -> &mut String,
) -> Result<Option<Once>, Violation> {
    let id = std::mem::take(request_id(request));
    if id.is_empty() {
        return Ok(None);
    }
    let digest = Sha256::new()
        .chain_update(rpc)
        .chain_update(request.encode_to_vec())
        .finalize();
    Ok(Some(Once {
        id: id.parse().field("request_id")?,
        digest: digest.into(),
    }))
}
