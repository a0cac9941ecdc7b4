//! Watching changes: events, starts, ends, and guarantees.

mod command;
mod events;
pub(crate) mod feed;
mod history;
pub(crate) mod model;
mod pruning;
mod readers;
mod snapshot;
mod starts;
pub(crate) mod validator;
