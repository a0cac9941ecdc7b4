//! What the tests share: a server, tenants in it, and short ways to say things.

mod calls;
mod cluster;
mod consistency;
mod lists;
mod server;
pub(crate) mod sql;
mod status;
mod tenant;
mod upload;

pub(crate) use self::{
    calls::{mask, new_group, pairs},
    cluster::{database, runtime},
    consistency::assert_consistent,
    server::Server,
    status::{Failure, info, refused, resource, unmet, violations},
    tenant::{Tenant, company, person},
    upload::{contact_chunk, membership_chunk},
};
