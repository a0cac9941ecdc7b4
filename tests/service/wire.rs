//! The behaviour of the server for any service: deadlines, errors, limits, health, reflection,
//! shutdown. The whole stack runs, with a service of the tests behind it.

mod acts;
mod admission;
mod connections;
mod deadlines;
mod decoding;
mod errors;
pub(crate) mod frames;
mod health;
mod panics;
pub(crate) mod raw;
mod reflection;
mod request_ids;
pub(crate) mod server;
mod shutdown;
