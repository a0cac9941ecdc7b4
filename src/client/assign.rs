//! `assign` and `unassign`: memberships one by one, or pairs from a file.

use std::{
    fs::File,
    io::{self, Read},
};

use super::{
    Completion, DryRunArgs, after_help,
    connection::{ConnectionArgs, TenantChannel},
    error::Error,
    terminal::{self, excerpt, pluralize},
};
use crate::pb::{
    Assignment, AssignmentOutcome, AssignmentResult, BatchAssignMailingGroupsRequest,
    BatchUnassignMailingGroupsRequest, mailing_groups_client::MailingGroupsClient,
};

const EXAMPLES: &str = "\
Examples:
  mailing-groups assign P401 WELCOME GIFT
  mailing-groups unassign P401 GIFT
  mailing-groups unassign --file pairs.csv --dry-run
  mailing-groups assign --file - < pairs.csv

The file is CSV with the columns contact_id and code. Large files: mailing-groups import memberships.";

fn help() -> String {
    let help = after_help(EXAMPLES, "all pairs are as asked for");
    format!("{help}\n  3  some pairs were refused; stderr names them, the others are done")
}

/// The most pairs of a call.
const BATCH: usize = 10_000;

/// The arguments of `assign` and `unassign`.
#[derive(Debug, clap::Args)]
#[command(after_help = help())]
pub struct AssignArgs {
    /// The contact
    #[arg(
        value_name = "CONTACT",
        required_unless_present = "file",
        conflicts_with = "file",
        requires = "codes"
    )]
    contact: Option<String>,
    /// The mailing groups
    #[arg(value_name = "CODE")]
    codes: Vec<String>,
    /// Take pairs from this CSV file; - for standard input
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What becomes of the pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairAction {
    Assign,
    Unassign,
}

impl AssignArgs {
    pub(super) async fn run(self, direction: PairAction) -> Result<Completion, Error> {
        let pairs = self.pairs()?;
        let mut client = MailingGroupsClient::new(self.connection.open().await?);
        let (mut changed, mut refused) = (0, 0);
        for batch in pairs.chunks(BATCH) {
            let results = self.send(&mut client, batch, direction).await?;
            for (pair, result) in batch.iter().zip(results) {
                match result.outcome() {
                    AssignmentOutcome::Changed => changed += 1,
                    AssignmentOutcome::Unchanged => {}
                    _ => {
                        refused += 1;
                        let (contact, code) = (excerpt(&pair.contact_id), excerpt(&pair.code));
                        terminal::message(&format!("{contact} {code}: {}", result.message));
                    }
                }
            }
        }
        let total = pairs.len() as i64;
        let done = match direction {
            PairAction::Assign => "assigned",
            PairAction::Unassign => "unassigned",
        };
        terminal::print(&format!(
            "{}: {changed} {done}, {} unchanged, {refused} refused{}",
            pluralize(total, "pair", "pairs"),
            total - changed - refused,
            self.dry_run.suffix(),
        ))?;
        Ok(match refused {
            0 => Completion::Complete,
            _ => Completion::SomeRejected,
        })
    }

    async fn send(
        &self,
        client: &mut MailingGroupsClient<TenantChannel>,
        pairs: &[Assignment],
        direction: PairAction,
    ) -> Result<Vec<AssignmentResult>, Error> {
        let (assignments, validate_only) = (pairs.to_vec(), self.dry_run.dry_run);
        Ok(match direction {
            PairAction::Assign => {
                let request = self.connection.unary(BatchAssignMailingGroupsRequest {
                    assignments,
                    validate_only,
                    ..BatchAssignMailingGroupsRequest::default()
                });
                let answer = client.batch_assign_mailing_groups(request).await?;
                answer.into_inner().results
            }
            PairAction::Unassign => {
                let request = self.connection.unary(BatchUnassignMailingGroupsRequest {
                    assignments,
                    validate_only,
                    ..BatchUnassignMailingGroupsRequest::default()
                });
                let answer = client.batch_unassign_mailing_groups(request).await?;
                answer.into_inner().results
            }
        })
    }

    fn pairs(&self) -> Result<Vec<Assignment>, Error> {
        let Some(file) = &self.file else {
            let contact = self.contact.clone().unwrap_or_default();
            let pair = |code: &String| Assignment {
                contact_id: contact.clone(),
                code: code.clone(),
            };
            return Ok(self.codes.iter().map(pair).collect());
        };
        let input: Box<dyn Read> = match file.as_str() {
            "-" => Box::new(io::stdin()),
            path => Box::new(File::open(path).map_err(|it| Error::file("read", path, it))?),
        };
        read_pairs(input).map_err(|reason| Error::Input(format!("{file}: {reason}")))
    }
}

fn read_pairs(input: impl Read) -> Result<Vec<Assignment>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(input);
    let headers = reader.headers().map_err(|error| error.to_string())?;
    let names: Vec<_> = headers
        .iter()
        .map(|it| it.trim_start_matches('\u{feff}'))
        .collect();
    let column = |name: &str| {
        let found = names.iter().position(|it| *it == name);
        found.ok_or_else(|| {
            format!("the first line must name the columns contact_id and code; {name} is missing")
        })
    };
    let (contact, code) = (column("contact_id")?, column("code")?);
    let pair = |row: Result<csv::StringRecord, csv::Error>| {
        let row = row.map_err(|error| error.to_string())?;
        Ok(Assignment {
            contact_id: row[contact].to_owned(),
            code: row[code].to_owned(),
        })
    };
    reader.records().map(pair).collect()
}
