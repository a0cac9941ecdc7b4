//! What the tests share: clusters, servers, the program, tenants, and short forms of calls.

mod calls;
mod certificates;
mod citus;
mod cluster;
mod consistency;
mod disk;
mod filled;
mod http;
mod import;
mod lists;
pub(crate) mod postgres;
pub(crate) mod program;
mod proxy;
mod replication;
pub(crate) mod serve;
mod server;
pub(crate) mod source;
mod sql;
mod status;
pub(crate) mod steps;
pub(crate) mod stub;
pub(crate) mod tables;
mod tenant;
pub(crate) mod upload;
mod wait;
mod watch;
mod web;

pub(crate) use self::{
    calls::{ApplyWhole, mask, new_group, pairs},
    certificates::Certificates,
    citus::citus_database,
    cluster::{Backup, database, durable_cluster, runtime},
    consistency::{assert_consistent, findings},
    disk::SmallDisk,
    http::get,
    import::{Streamed, assignment, select, select_with},
    postgres::scratch,
    program::Program,
    proxy::{Network, Proxy},
    replication::Replication,
    serve::ORIGIN,
    server::{Pool, Server, migrate},
    sql::Sql,
    status::{info, is_overdue, refused, resource, unmet, violations},
    tenant::{Tenant, company, person},
    upload::{contact_chunk, membership_chunk, one_by_one},
    wait::{PATIENCE, eventually, eventually_blocking, within},
    watch::reach,
    web::{WebAnswer, WebClient, envelope, reason},
};
