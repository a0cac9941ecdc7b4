//! The command line's client part: it talks gRPC to a running service.
//!
//! One module per command, [`import`], [`export`], [`count`], [`members`], [`segment`] and
//! [`watch`], and what they share:
//! [`connection`] (flags, TLS, the tenant), [`selection`] (whom an expression selects),
//! [`error`] (failures, worded for people), [`terminal`] (what goes to stdout and stderr),
//! [`progress`], [`rows`] of CSV files and [`temporary`] files, [`resume`]d streams and [`retry`].
//!
//! stdout carries results only; progress, notes and errors go to stderr.

mod connection;
mod count;
mod error;
mod export;
mod import;
mod members;
mod progress;
mod resume;
mod retry;
mod rows;
mod segment;
mod selection;
mod temporary;
mod terminal;
mod watch;

use std::process::ExitCode;

/// Ends the help of every client command.
const EXIT_CODES: &str = "\
Exit codes:
  0  everything went in, or was read to its end
  1  it failed; stderr says why
  2  the command line is wrong
  3  the import went through, but some rows were rejected";

/// The client's commands.
#[derive(Debug, clap::Subcommand)]
pub enum ClientCommand {
    /// Import mailing groups, contacts or memberships from a CSV file
    ///
    /// The first line names the columns, in any order. Rows that cannot go in are written with
    /// line number and reason to a file of their own, which can be corrected and imported again;
    /// the others go in. An import can be repeated at any time: what is in already stays.
    Import(import::ImportArgs),
    /// Export all mailing groups, contacts and memberships, to be imported again
    ///
    /// Who has which mailing group is that of one revision, however long it takes. If the
    /// connection breaks or the service is away for a moment, the export is resumed after the
    /// last page. The files are put into their places only once everything was read.
    Export(export::ExportArgs),
    /// Count the contacts that an expression selects
    ///
    /// The count is exact at the revision it names. Contacts that match but are left out, because
    /// they are marked exclude_from_segments or privacy_blocked, are counted apart.
    Count(count::CountArgs),
    /// Write the contacts that an expression selects, as CSV or JSON lines
    ///
    /// Members are written as they arrive, in the order in which the contacts were created, and
    /// nobody twice. If the connection breaks or the service is away for a moment, the stream is
    /// resumed after the last page. The command succeeds only after the service's summary, which
    /// goes to stderr. CSV has the columns of `import contacts`.
    Members(members::MembersArgs),
    /// Build segments of contacts step by step, compare them and give their members a group
    ///
    /// A segment is a stored set of contacts: what changes in mailing groups later does not change
    /// it. Every action on it is recorded and can be undone.
    Segment(segment::SegmentArgs),
    /// Print what is changed, as JSON lines, until it is interrupted
    ///
    /// Revisions come in the order of commits, each once and whole. If the connection breaks or
    /// the service is away for a moment, the watch goes on after the last revision printed. Lines
    /// with `progress` say how far it has come; `--from` with that revision goes on from there.
    Watch(watch::WatchArgs),
}

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Completion {
    /// Everything was done.
    Complete,
    /// Everything was done but for the rows that were rejected.
    SomeRejected,
}

impl Completion {
    /// How two commands ended, taken together.
    fn and(self, other: Self) -> Self {
        match self {
            Self::Complete => other,
            Self::SomeRejected => self,
        }
    }
}

/// Runs a command to its end and says on stderr why if it failed.
///
/// The exit code is 0 for success, 1 for a failure and 3 when rows were rejected; 2, a wrong
/// command line, is clap's.
pub async fn run(command: ClientCommand) -> ExitCode {
    let outcome = match command {
        ClientCommand::Import(import) => import.run().await,
        ClientCommand::Export(export) => export.run().await,
        ClientCommand::Count(count) => count.run().await,
        ClientCommand::Members(members) => members.run().await,
        ClientCommand::Segment(segment) => segment.run().await,
        ClientCommand::Watch(watch) => watch.run().await,
    };
    match outcome {
        Ok(Completion::Complete) => ExitCode::SUCCESS,
        Ok(Completion::SomeRejected) => ExitCode::from(3),
        Err(error) => {
            terminal::message(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}
