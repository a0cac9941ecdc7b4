//! `assign` and `unassign`: memberships one by one, or pairs from a file.

use std::path::PathBuf;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    Completion, DryRunArgs, after_help,
    connection::{ConnectionArgs, TenantChannel},
    error::Error,
    import::{CsvFormatArgs, ImportBatch, read_memberships},
    interruptible,
    records::{Record, RecordFormatArgs},
    retry::RetryArgs,
    rows,
    terminal::{self, excerpt},
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

The file is CSV with the columns contact_id and code, and sent in batches. For large files,
`import memberships` is faster.";

fn help() -> String {
    let help = after_help(EXAMPLES, "no pair was rejected");
    format!(
        "{help}\n  3  some pairs were rejected; stderr says which and why. The others are done\n  \
         130  interrupted with Ctrl-C"
    )
}

/// The most pairs of a file in a call.
const BATCH: usize = 1_000;

type PairBatches = mpsc::Receiver<Result<ImportBatch<Assignment>, Error>>;

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
    /// Take pairs from this CSV file; - reads stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    csv: CsvFormatArgs,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
    #[command(flatten)]
    retry: RetryArgs,
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
    pub(super) async fn run(self, action: PairAction) -> Result<Completion, Error> {
        let batches = self.batches().await?;
        let mut counts = PairCounts::default();
        let sent = interruptible(self.send_all(batches, action, &mut counts)).await;
        let committed = counts.changed + counts.unchanged;
        match sent {
            Ok(()) => {}
            Err(cause) if committed == 0 || self.dry_run.dry_run => return Err(cause),
            Err(cause) => {
                let cause = Box::new(cause);
                return Err(Error::ImportAborted { committed, cause });
            }
        }
        let sentence = counts.summary(action) + self.dry_run.suffix();
        self.format.done(&sentence, counts.record())?;
        Ok(match counts.rejected {
            0 => Completion::Complete,
            _ => Completion::SomeRejected,
        })
    }

    /// The pairs of the file, or those of the command line as one batch.
    async fn batches(&self) -> Result<PairBatches, Error> {
        if let Some(file) = &self.file {
            return read_memberships(file, &self.csv, BATCH).await;
        }
        let contact = self.contact.clone().unwrap_or_default();
        let pair = |code: &String| Assignment {
            contact_id: contact.clone(),
            code: code.clone(),
        };
        let mut batch = ImportBatch::default();
        batch.items = self.codes.iter().map(pair).collect();
        let (sender, batches) = mpsc::channel(1);
        sender.try_send(Ok(batch)).expect("room for a batch");
        Ok(batches)
    }

    async fn send_all(
        &self,
        mut batches: PairBatches,
        action: PairAction,
        counts: &mut PairCounts,
    ) -> Result<(), Error> {
        let mut client = MailingGroupsClient::new(self.connection.open().await?);
        while let Some(batch) = batches.recv().await {
            let batch = batch?;
            let results = match batch.items.is_empty() {
                true => Vec::new(),
                false => self.send(&mut client, &batch.items, action, counts).await?,
            };
            counts.add(&batch, &results);
        }
        Ok(())
    }

    /// Sends a batch, again if the connection breaks. The request id makes the results those of the
    /// first time.
    async fn send(
        &self,
        client: &mut MailingGroupsClient<TenantChannel>,
        pairs: &[Assignment],
        action: PairAction,
        counts: &PairCounts,
    ) -> Result<Vec<AssignmentResult>, Error> {
        let (mut retry, request_id) = (self.retry.retry(), Uuid::new_v4().to_string());
        loop {
            match self.call(client, pairs, action, &request_id).await {
                Ok(results) => return Ok(results),
                Err(cause) => retry.wait(cause, &pluralize(counts.total())).await?,
            }
        }
    }

    async fn call(
        &self,
        client: &mut MailingGroupsClient<TenantChannel>,
        pairs: &[Assignment],
        action: PairAction,
        request_id: &str,
    ) -> Result<Vec<AssignmentResult>, Error> {
        let (assignments, request_id) = (pairs.to_vec(), request_id.to_owned());
        let validate_only = self.dry_run.dry_run;
        Ok(match action {
            PairAction::Assign => {
                let request = self.connection.unary(BatchAssignMailingGroupsRequest {
                    assignments,
                    validate_only,
                    request_id,
                });
                let answer = client.batch_assign_mailing_groups(request).await?;
                answer.into_inner().results
            }
            PairAction::Unassign => {
                let request = self.connection.unary(BatchUnassignMailingGroupsRequest {
                    assignments,
                    validate_only,
                    request_id,
                });
                let answer = client.batch_unassign_mailing_groups(request).await?;
                answer.into_inner().results
            }
        })
    }
}

/// What became of the pairs.
#[derive(Debug, Default)]
struct PairCounts {
    changed: u64,
    unchanged: u64,
    rejected: u64,
}

impl PairCounts {
    /// Counts the results of a batch, and prints rejected pairs in the order of their lines.
    fn add(&mut self, batch: &ImportBatch<Assignment>, results: &[AssignmentResult]) {
        let unreadable = batch.unreadable.iter();
        let mut rejected: Vec<_> = unreadable
            .map(|(row, reason)| (row.line, format!("line {}: {reason}", row.line)))
            .collect();
        for (index, (pair, result)) in batch.items.iter().zip(results).enumerate() {
            match result.outcome() {
                AssignmentOutcome::Changed => self.changed += 1,
                AssignmentOutcome::Unchanged => self.unchanged += 1,
                AssignmentOutcome::Unspecified
                | AssignmentOutcome::UnknownContact
                | AssignmentOutcome::UnknownGroup
                | AssignmentOutcome::Invalid
                | AssignmentOutcome::ContactMerged
                | AssignmentOutcome::MailingGroupRenamed => {
                    let line = batch.rows.get(index).map(|row| row.line);
                    let place = line.map(|it| format!("line {it}: ")).unwrap_or_default();
                    let text = place + &reason(pair, result);
                    rejected.push((line.unwrap_or_default(), text));
                }
            }
        }
        rejected.sort_by_key(|(line, _)| *line);
        self.rejected += rejected.len() as u64;
        rejected.iter().for_each(|(_, it)| terminal::message(it));
    }

    fn total(&self) -> u64 {
        self.changed + self.unchanged + self.rejected
    }

    fn record(&self) -> Record {
        Record(vec![
            ("changed_count", self.changed.into()),
            ("unchanged_count", self.unchanged.into()),
            ("rejected_count", self.rejected.into()),
        ])
    }

    fn summary(&self, action: PairAction) -> String {
        let [changed, unchanged] = match action {
            PairAction::Assign => ["assigned", "already there"],
            PairAction::Unassign => ["unassigned", "not there"],
        };
        format!(
            "{}: {} {changed}, {} {unchanged}, {} rejected",
            pluralize(self.total()),
            self.changed,
            self.unchanged,
            self.rejected,
        )
    }
}

/// The pair, and why it was rejected.
fn reason(pair: &Assignment, result: &AssignmentResult) -> String {
    let (contact, code) = (excerpt(&pair.contact_id), excerpt(&pair.code));
    let (outcome, text) = (rows::outcome(result.outcome()), result.message.clone());
    let reason = rows::rejection(&outcome, text, result.metadata.get("current"));
    format!("{contact} {code}: {reason}")
}

fn pluralize(pairs: u64) -> String {
    terminal::pluralize(i64::try_from(pairs).unwrap_or(i64::MAX), "pair", "pairs")
}
