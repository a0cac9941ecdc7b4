//! What breaks around the service: the network to the database, the database, its callers, and
//! the service itself.

mod commits;
mod crashes;
mod imports;
mod locks;
mod logs;
mod messages;
mod network;
mod processes;
mod starts;
