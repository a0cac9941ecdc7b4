//! Watching changes: what is told, where a watch starts and ends, and what may be relied on.

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
