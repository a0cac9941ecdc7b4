//! Watching changes: events, starts, ends, and guarantees.

mod command;
mod events;
mod feed;
mod history;
mod model;
mod pruning;
mod readers;
mod snapshot;
mod starts;
mod validator;
