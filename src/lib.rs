//! MailingGroups: a gRPC service that defines mailing groups, assigns them to contacts and
//! selects contacts by them.
//!
//! The rooms of the house; imports go one way, `api → domain → store → model → schema`:
//!
//! - [`api`]: the wire. The only room that knows tonic and the generated types.
//! - [`domain`]: what may happen: operations, rules, transactions, the error.
//! - [`store`]: how it is kept. The only room that writes queries.
//! - [`model`]: what things are: values and entities; no async, no pool.
//! - [`schema`]: the tables as Diesel sees them.
//!
//! Around them:
//!
//! - [`server`]: listens, guards every call, drains.
//! - [`postgres`]: the private PostgreSQL that runs when no database is named.
//! - [`client`]: the command line's client part.
//! - [`database`]: which database is served, and waiting for it at start.
//! - [`config`] and [`telemetry`]: flags and logs.

pub mod api;
pub mod client;
pub mod config;
pub mod database;
pub mod domain;
mod duration;
mod grpc_code;
pub mod model;
pub mod pb;
pub mod postgres;
pub mod schema;
pub mod server;
pub mod store;
pub mod telemetry;
