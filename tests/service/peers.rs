//! The service behind programs of others: proxies.
//! `make test-peers` runs these tests, which need more than `make test` installs.

mod proxies;
mod proxy;
mod rolling;
