//! The service with programs of others: clients generated for other languages, and proxies.
//! `make test-peers` runs these tests, which need more than `make test` installs.

mod generated;
mod proxies;
mod proxy;
