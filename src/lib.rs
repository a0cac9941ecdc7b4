//! MailingGroups: a gRPC service that defines mailing groups, assigns them to contacts and
//! selects contacts by them.
//!
//! The layers; imports go one way, `api → domain → store → model → schema`:
//!
//! - [`api`]: the handlers, and the conversion between protobuf messages and the domain.
//! - [`domain`]: operations, rules, transactions and their errors.
//! - [`store`]: the queries.
//! - [`model`]: values and entities; no async, no I/O.
//! - [`schema`]: the tables for Diesel.
//!
//! Around them:
//!
//! - [`server`]: connections, the middleware around every call, and the shutdown.
//! - [`auth`]: who calls, by tokens, API keys and client certificates.
//! - [`postgres`]: the private PostgreSQL that runs when no database is named.
//! - [`client`]: the commands that talk to a running service.
//! - [`database`]: which database is served, and waiting for it at start.
//! - [`config`], [`telemetry`] and [`metrics`]: flags, logs and what is measured.
//! - [`reload`]: values that follow the files they are read from.
//! - [`init`] and [`systemd`]: the duties of PID 1 in a container, and of a service of systemd.

pub mod api;
pub mod auth;
pub mod client;
pub mod config;
mod cpu;
pub mod database;
pub mod domain;
mod duration;
mod fair_semaphore;
pub mod init;
pub mod metrics;
pub mod model;
pub mod pb;
pub mod postgres;
pub mod reload;
pub mod schema;
pub mod server;
pub mod store;
pub mod systemd;
pub mod telemetry;
