//! The program as people meet it: the real binary, started on a folder of its own and used from
//! a shell. The tour in README.md is executed, and the command line is tried from end to end.
#![expect(clippy::unwrap_used, reason = "a test may")]

mod cli;
mod crashes;
mod readme;
mod service;
mod tour;
