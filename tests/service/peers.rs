//! The service with programs of others: a browser, and proxies.
//! `make test-peers` runs these tests, which need more than `make test` installs.

mod browser;
mod proxies;
mod proxy;
mod rolling;
