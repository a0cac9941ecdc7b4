//! The real binary, started on its own directory and used from a shell. The commands of README.md
//! and docs/tour.md are executed, and the command line is tested end to end.

mod cli;
mod crashes;
mod documents;
mod markdown;
pub(crate) mod service;
