//! The real binary, started on its own directory and used from a shell. The commands of README.md
//! and docs/tour.md are executed, and the command line is tested end to end.
#![expect(clippy::unwrap_used, reason = "a test may")]

mod cli;
mod crashes;
mod document;
mod service;
mod tour;
