//! The wire: handlers, and the conversions between the generated types and the domain.
//!
//! Every handler parses its request into values of the model, calls one operation of the domain
//! and converts its result. Every error becomes a status in [`status`].

// The services.
mod contacts;
mod identity;
mod mailing_groups;
mod segments;
mod tenants;

// Calls that are more than a few lines: streams, uploads, batches, lists.
mod apply;
mod compare;
mod contact_batches;
mod export;
mod import;
mod lists;
mod members;
mod revisions;
mod watch;

// What they share.
pub(crate) mod request;
mod stream;

mod assignments;
mod contact_fields;
mod contact_sizes;
mod convert;
mod field;
mod token;

// Below all: who calls, how much, and what an error is.
pub(crate) mod caller;
pub(crate) mod codec;
pub(crate) mod incoming;
pub(crate) mod quota;
pub mod rates;
pub mod request_id;
pub(crate) mod status;

use tokio_util::sync::CancellationToken;
use tonic::{Response, Status, codec::CompressionEncoding, service::Routes};

use crate::{
    domain::Domain,
    pb::{
        contacts_server::{self, ContactsServer},
        identity_server::{self, IdentityServer},
        mailing_groups_server::{self, MailingGroupsServer},
        segments_server::{self, SegmentsServer},
        tenants_server::{self, TenantsServer},
    },
};

/// The full names of the services.
pub const SERVICES: [&str; 5] = [
    mailing_groups_server::SERVICE_NAME,
    contacts_server::SERVICE_NAME,
    segments_server::SERVICE_NAME,
    tenants_server::SERVICE_NAME,
    identity_server::SERVICE_NAME,
];

/// The result of a handler.
type RpcResult<T> = Result<Response<T>, Status>;

/// The handlers of all services.
#[derive(Clone)]
struct Api {
    domain: Domain,
    shutdown: CancellationToken,
}

/// All services, over one domain. Open streams end when `shutdown` is cancelled. A message may
/// have at most `max_message_bytes`.
pub fn routes(domain: Domain, shutdown: CancellationToken, max_message_bytes: usize) -> Routes {
    let api = Api { domain, shutdown };
    let groups = MailingGroupsServer::new(api.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(max_message_bytes);
    let contacts = ContactsServer::new(api.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(max_message_bytes);
    let segments = SegmentsServer::new(api.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(max_message_bytes);
    let tenants = TenantsServer::new(api.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(max_message_bytes);
    let identity = IdentityServer::new(api)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(max_message_bytes);
    Routes::new(groups)
        .add_service(contacts)
        .add_service(segments)
        .add_service(tenants)
        .add_service(identity)
}
