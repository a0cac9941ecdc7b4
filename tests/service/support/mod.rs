//! What the tests share: a server, tenants in it, and short ways to say things.

mod cluster;
mod server;
mod status;
mod tenant;

pub(crate) use self::{
    cluster::{database, runtime},
    server::Server,
    status::{Failure, info, refused, violations},
    tenant::{Tenant, company, person},
};
