//! What breaks around the service: the network to the database, the database, its callers, and
//! the service itself.

mod commits;
mod locks;
mod network;
