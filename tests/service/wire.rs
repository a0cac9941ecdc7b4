//! What the server promises on the wire, whatever it serves: deadlines, errors, bounds, health,
//! reflection, shutdown. The whole stack runs, with a test's own service behind it.

mod acts;
mod admission;
mod connections;
mod deadlines;
mod errors;
mod health;
mod panics;
mod raw;
mod reflection;
mod request_ids;
mod server;
mod shutdown;
