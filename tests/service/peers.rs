//! The service with programs of others: clients generated for other languages. `make test-peers`
//! runs these tests, which need more than `make test` installs.

mod generated;
