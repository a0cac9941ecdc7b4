//! The service as its callers see it: through real clients, on a real PostgreSQL.
//!
//! One server and one throw-away PostgreSQL serve all tests of this binary; each test works in a
//! tenant of its own. A file for each behaviour.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod groups;
mod oracle;
mod segments;
mod selection;
mod streaming;
mod support;
