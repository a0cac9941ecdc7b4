//! The command line's client part: commands that call a running service over gRPC.
//!
//! stdout carries results only; progress, messages and errors go to stderr.

mod assign;
mod contact;
mod count;
mod export;
mod group;
mod identity;
mod import;
mod members;
mod segment;
mod tenant;
mod watch;

mod progress;
mod resume;
mod retry;
mod selection;

mod connection;
mod error;
mod records;
mod rows;
mod temporary;
mod terminal;

use std::{ffi::OsString, process::ExitCode};

use prost_types::FieldMask;

use assign::PairAction;
use error::Error;

/// The end of a command's help: examples and exit codes.
fn after_help(examples: &str, success: &str) -> String {
    format!(
        "{examples}\n\nExit codes:\n  0  {success}\n  1  the command failed; stderr says why\n  \
         2  the command line is wrong"
    )
}

/// The client's commands.
#[derive(Debug, clap::Subcommand)]
pub enum ClientCommand {
    /// Import mailing groups, contacts or memberships from a CSV file
    ///
    /// The first line names the columns, in any order. Rows that cannot be imported are written to
    /// a file with line and reason, which can be corrected and imported again; the rest is
    /// imported. An import can be repeated at any time: rows already imported are left unchanged.
    Import(import::ImportArgs),
    /// Export all mailing groups, contacts and memberships, to be imported again
    ///
    /// All memberships are those of one revision, however long the export takes. If the connection
    /// breaks or the service is briefly unavailable, the export is resumed after the last page. The
    /// files appear only when they are complete.
    Export(export::ExportArgs),
    /// Create, list, describe, rename and delete mailing groups
    #[command(visible_alias = "groups")]
    Group(group::GroupArgs),
    /// Create, list, update, merge and delete contacts
    #[command(visible_alias = "contacts")]
    Contact(contact::ContactArgs),
    /// Assign mailing groups to a contact, or pairs from a file
    Assign(assign::AssignArgs),
    /// Take mailing groups from a contact, or pairs from a file
    Unassign(assign::AssignArgs),
    /// Say whether the service works; for probes of containers
    ///
    /// Sends no token, and works without one.
    Health(identity::HealthArgs),
    /// Show who the caller is for the service, and what it may do
    #[command(name = "whoami")]
    WhoAmI(identity::WhoAmIArgs),
    /// Count the contacts that an expression selects
    ///
    /// The count is exact at the revision it names. Contacts that match but are left out, because
    /// they are marked exclude_from_segments or privacy_blocked, are counted separately.
    Count(count::CountArgs),
    /// Write the contacts that an expression selects, as CSV or JSON lines
    ///
    /// Members are written as they arrive, in the order in which the contacts were created, each
    /// once. If the connection breaks or the service is briefly unavailable, the stream is resumed
    /// after the last page. The command succeeds only after the service's summary, which goes to
    /// stderr. CSV has the columns of `import contacts`.
    Members(members::MembersArgs),
    /// Build segments of contacts step by step, compare them and assign groups to their members
    ///
    /// A segment is a stored set of contacts: later changes to mailing groups do not affect it.
    /// Every action on it is recorded and can be undone.
    Segment(segment::SegmentArgs),
    /// Create, list, show and delete tenants
    ///
    /// Names the tenant as an argument; --tenant has no effect. Without `serve --tenants explicit`
    /// the first write to a tenant creates it too.
    #[command(visible_alias = "tenants")]
    Tenant(tenant::TenantArgs),
    /// Print changes as JSON lines, until it is interrupted
    ///
    /// Revisions come in the order of commits, each once and complete. If the connection breaks or
    /// the service is briefly unavailable, the watch is resumed after the last revision printed.
    /// Lines with `progress` name the revision that was reached; `--from` with it continues there.
    Watch(watch::WatchArgs),
}

/// The arguments of the program, with `import --from=SOURCE` as `import --from SOURCE`: this flag
/// stands for a subcommand, and clap drops the value of such a flag.
pub fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<_> = given.collect();
    if arguments.get(1).is_some_and(|it| it == "import")
        && let Some(flag) = arguments.get(2).and_then(|it| it.to_str())
        && let Some(source) = flag.strip_prefix("--from=")
    {
        let separate = ["--from", source].map(OsString::from);
        arguments.splice(2..3, separate);
    }
    arguments
}

/// The result of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Completion {
    Complete,
    /// Rows were rejected; the rest was imported.
    SomeRejected,
}

impl Completion {
    /// The result of two commands in sequence.
    fn and(self, other: Self) -> Self {
        match self {
            Self::Complete => other,
            Self::SomeRejected => self,
        }
    }
}

/// Runs a command. If it fails, stderr says why.
///
/// The exit code is 0 for success, 1 for a failure, 2 for a wrong command line (like clap's), 3 if
/// rows were rejected and 130 if it was interrupted.
pub async fn run(command: ClientCommand) -> ExitCode {
    let outcome = match command {
        ClientCommand::Import(import) => import.run().await,
        ClientCommand::Export(export) => export.run().await,
        ClientCommand::Group(group) => group.run().await,
        ClientCommand::Contact(contact) => contact.run().await,
        ClientCommand::Assign(assign) => assign.run(PairAction::Assign).await,
        ClientCommand::Unassign(assign) => assign.run(PairAction::Unassign).await,
        ClientCommand::Health(health) => health.run().await,
        ClientCommand::WhoAmI(whoami) => whoami.run().await,
        ClientCommand::Count(count) => count.run().await,
        ClientCommand::Members(members) => members.run().await,
        ClientCommand::Segment(segment) => segment.run().await,
        ClientCommand::Tenant(tenant) => tenant.run().await,
        ClientCommand::Watch(watch) => watch.run().await,
    };
    match outcome {
        Ok(Completion::Complete) => ExitCode::SUCCESS,
        Ok(Completion::SomeRejected) => ExitCode::from(3),
        Err(Error::OutputClosed) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::message(&format!("error: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

/// Runs a step until it ends or Ctrl-C is pressed. Then the step is dropped, and the caller
/// completes or removes its files.
async fn interruptible<T>(step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::select! {
        // First, so that the signal is handled before the step begins.
        biased;
        _ = tokio::signal::ctrl_c() => Err(Error::Interrupted),
        result = step => result,
    }
}

/// Reads all pages of a list: `read` takes a page's token and returns that of the next one.
async fn each_page(
    mut read: impl AsyncFnMut(String) -> Result<String, Error>,
) -> Result<(), Error> {
    let mut token = String::new();
    loop {
        token = read(token).await?;
        if token.is_empty() {
            return Ok(());
        }
    }
}

/// The fields that an update changes.
fn mask(paths: &[&str]) -> Option<FieldMask> {
    let paths = paths.iter().map(ToString::to_string).collect();
    Some(FieldMask { paths })
}

/// The flag of commands that change a resource.
#[derive(Debug, Clone, clap::Args)]
struct EtagArgs {
    /// Only if it still has this etag, as printed before
    #[arg(
        long,
        value_name = "ETAG",
        default_value = "",
        hide_default_value = true
    )]
    etag: String,
}

/// The flag of commands that can be tried.
#[derive(Debug, Clone, Copy, clap::Args)]
struct DryRunArgs {
    /// Report what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl DryRunArgs {
    /// The end of a message about what was done.
    fn suffix(self) -> &'static str {
        match self.dry_run {
            true => " (nothing was changed: --dry-run)",
            false => "",
        }
    }
}
