//! What the tests share: a server, tenants in it, and short ways to say things.

mod cluster;
mod import;
mod program;
mod proxy;
mod server;
mod sql;
mod status;
mod tenant;
mod wait;

pub(crate) use self::{
    cluster::{database, runtime},
    import::{Streamed, assignment, select},
    program::Program,
    proxy::{Network, Proxy},
    server::{Pool, Server, migrate},
    sql::Sql,
    status::{Failure, info, refused, violations},
    tenant::{Tenant, company, person},
    wait::{eventually, within},
};
