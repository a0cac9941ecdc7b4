//! The service through real clients, on a real PostgreSQL.
//!
//! One server and one throw-away PostgreSQL serve all tests of this binary; each test works in a
//! tenant of its own. A file for each behaviour.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod assignments;
mod attributes;
mod auth;
mod batches;
mod batching;
mod check;
mod client;
mod companies;
mod concurrency;
mod contacts;
mod continued;
mod contract;
mod databases;
mod deployment;
mod dry_runs;
mod emails;
mod export;
mod faults;
mod former_names;
mod groups;
mod guarantees;
mod idempotency;
mod imports;
mod layers;
mod limits;
mod lists;
mod long_work;
mod merge;
mod model;
mod observed;
mod oracle;
mod pages;
mod peers;
mod plans;
mod postgres;
mod reads;
mod reference;
mod renames;
mod replace;
mod replicas;
mod revisions;
mod rolling;
mod schema;
mod segments;
mod selection;
mod streaming;
mod support;
mod tenants;
mod tls;
mod torture;
mod tour;
mod uploads;
mod watching;
mod web;
mod wire;
