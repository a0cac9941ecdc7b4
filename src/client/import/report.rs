//! The results of an import: progress while it runs, and a report at its end.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    SummaryFormat, batches::ImportBatch, columns::CsvRow, items::ImportItem,
    rejected::RejectedRows, rejections::Rejections,
};
use crate::{
    client::{
        Completion,
        error::Error,
        progress::{Progress, per_second},
        terminal,
    },
    duration::human,
};

/// The results of the rows that were sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ImportCounts {
    /// Created contacts or groups, or new memberships.
    pub(super) created: u64,
    /// None for memberships, which have nothing to update.
    pub(super) updated: Option<u64>,
    pub(super) unchanged: u64,
    pub(super) rejected: u64,
    /// The tenant's revision at the end; 0 if it is unknown.
    pub(super) revision: i64,
}

impl ImportCounts {
    pub(super) fn committed(&self) -> u64 {
        self.created + self.updated.unwrap_or(0) + self.unchanged
    }

    fn object<T: ImportItem>(&self, dry_run: bool) -> Value {
        json!({
            "imported": T::NOUN[1],
            "created_count": self.created,
            "updated_count": self.updated.unwrap_or(0),
            "unchanged_count": self.unchanged,
            "rejected_count": self.rejected,
            "revision": self.revision,
            "dry_run": dry_run,
        })
    }

    /// Takes items from the rejected ones that a real run would not reject.
    pub(super) fn corrected(self, predicted: Self) -> Self {
        let (created, unchanged) = (predicted.created, predicted.unchanged);
        Self {
            created: self.created + created,
            unchanged: self.unchanged + unchanged,
            rejected: self.rejected.saturating_sub(created + unchanged),
            ..self
        }
    }

    /// `3 contacts: 2 created, …`
    fn summary<T: ImportItem>(&self, elapsed: Duration) -> String {
        let rejected = self.rejected;
        let rows = self.committed() + rejected;
        let noun = T::NOUN[usize::from(rows != 1)];
        let updated = self.updated.map(|it| format!(", {it} updated"));
        let unchanged = match self.updated {
            Some(_) => "unchanged",
            None => "already there",
        };
        let revision = (self.revision > 0).then(|| format!(", revision {}", self.revision));
        format!(
            "{rows} {noun}: {} {}{}, {} {unchanged}, {rejected} rejected; {}, {} rows/s{}",
            self.created,
            T::CREATED,
            updated.unwrap_or_default(),
            self.unchanged,
            human(elapsed),
            per_second(rows, elapsed),
            revision.unwrap_or_default(),
        )
    }
}

/// The columns in which the values of fields are, for files that have names of their own.
type FieldColumns = HashMap<usize, HashMap<&'static str, String>>;

/// Counts rows, shows progress and writes rejected rows.
pub(super) struct ImportReport {
    /// For each file.
    rejected: BTreeMap<usize, RejectedRows>,
    /// Where later steps look up what was rejected.
    rejections: Option<Rejections>,
    /// What the rows are of, if that is not plain.
    label: String,
    columns: FieldColumns,
    progress: Progress,
    dry_run: bool,
    format: SummaryFormat,
    committed: u64,
    /// Rows that were not sent, because they are not items.
    unreadable: u64,
    /// Rows that were not sent, because a later row counts.
    superseded: u64,
    /// About duplicates.
    note: Option<String>,
}

impl ImportReport {
    /// `size` is that of the file in bytes.
    pub(super) fn new(
        rejected: BTreeMap<usize, RejectedRows>,
        size: u64,
        dry_run: bool,
        format: SummaryFormat,
    ) -> Self {
        let verb = if dry_run { "checked" } else { "committed" };
        Self {
            rejected,
            rejections: None,
            label: String::new(),
            columns: HashMap::new(),
            progress: Progress::new(size, verb),
            dry_run,
            format,
            committed: 0,
            unreadable: 0,
            superseded: 0,
            note: None,
        }
    }

    /// Puts a label before the summary, and collects what is rejected.
    pub(super) fn labelled(self, label: String, rejections: Rejections) -> Self {
        Self {
            label,
            rejections: Some(rejections),
            ..self
        }
    }

    pub(super) fn with_columns(self, columns: FieldColumns) -> Self {
        Self { columns, ..self }
    }

    /// The reason with the column of its field.
    fn with_column(&self, row: &CsvRow, reason: &str) -> Option<String> {
        let (field, text) = reason.split_once(": ")?;
        let names = self.columns.get(&row.file)?.get(field)?;
        let is_same = names.trim_matches('`') == field;
        (!is_same).then(|| format!("{field} (in {names}): {text}"))
    }

    /// Records a row whose group the service rejected.
    pub(super) fn reject_group(
        &mut self,
        code: String,
        row: &CsvRow,
        reason: &str,
    ) -> Result<(), Error> {
        if let Some(rejections) = &self.rejections {
            rejections.add_code(code);
        }
        self.reject(row, reason)
    }

    /// Records a row that the service rejected.
    pub(super) fn reject(&mut self, row: &CsvRow, reason: &str) -> Result<(), Error> {
        self.confirm();
        self.add(row, reason)
    }

    fn add(&mut self, row: &CsvRow, reason: &str) -> Result<(), Error> {
        if let Some(rejections) = &self.rejections {
            rejections.add_line(row.file, row.line);
        }
        let with_column = self.with_column(row, reason);
        let reason = with_column.as_deref().unwrap_or(reason);
        match self.rejected.get_mut(&row.file) {
            Some(rejected) => rejected.add(row, reason),
            None => Ok(()),
        }
    }

    /// The service has answered.
    fn confirm(&mut self) {
        self.rejected.values_mut().for_each(RejectedRows::confirm);
    }

    /// Records the rows of a batch that are not sent.
    pub(super) fn unsent<T>(&mut self, batch: &ImportBatch<T>) -> Result<(), Error> {
        for (row, reason) in &batch.unreadable {
            self.add(row, reason)?;
            self.unreadable += 1;
            self.progress.advance(row.bytes, self.committed);
        }
        for bytes in &batch.superseded {
            self.superseded += 1;
            self.progress.advance(*bytes, self.committed);
        }
        self.progress.advance(batch.skipped, self.committed);
        self.note.clone_from(&batch.note);
        Ok(())
    }

    /// The service has answered for rows of this size. `committed` counts all rows so far.
    pub(super) fn acknowledge(&mut self, committed: u64, bytes: u64) {
        self.confirm();
        self.committed = committed;
        self.progress.advance(bytes, committed);
    }

    pub(super) fn committed(&self) -> u64 {
        self.committed
    }

    /// Completes the file of rejected rows, and reports the result.
    pub(super) fn finish<T: ImportItem>(
        self,
        result: Result<ImportCounts, Error>,
    ) -> Result<Completion, Error> {
        let elapsed = self.progress.finish();
        let is_complete = result.is_ok() && !self.dry_run;
        let rejected = self.rejected.into_values();
        let rejected: Result<Vec<_>, _> = rejected.map(|it| it.finish(is_complete)).collect();
        let rejected: Vec<_> = rejected?.into_iter().flatten().collect();
        let committed = self.committed;
        match result {
            Ok(mut counts) => {
                counts.unchanged += self.superseded;
                counts.rejected += self.unreadable;
                let lines = self.note.iter().chain(&rejected);
                match self.format {
                    SummaryFormat::Text => {
                        let summary = counts.summary::<T>(elapsed);
                        let dry_run = if self.dry_run { "dry run: " } else { "" };
                        let mut text = format!("{dry_run}{}{summary}", self.label);
                        lines.for_each(|it| text += &format!("\n{it}"));
                        terminal::print(&text)?;
                    }
                    SummaryFormat::Json => {
                        lines.for_each(|it| terminal::message(it));
                        terminal::print(&counts.object::<T>(self.dry_run).to_string())?;
                    }
                }
                Ok(match rejected.is_empty() {
                    true => Completion::Complete,
                    false => Completion::SomeRejected,
                })
            }
            Err(cause) if self.dry_run => Err(cause),
            // The whole request is invalid, such as the name of the tenant.
            Err(cause) if committed == 0 && !cause.is_transient() && !cause.is_interrupt() => {
                Err(cause)
            }
            Err(cause) => {
                rejected.iter().for_each(|it| terminal::message(it));
                let cause = Box::new(cause);
                Err(Error::ImportAborted { committed, cause })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::{Assignment, Contact};

    #[test]
    fn a_summary_has_counts_time_rate_and_revision() {
        let elapsed = Duration::from_millis(500);
        let mut counts = ImportCounts {
            created: 5,
            updated: Some(1),
            unchanged: 2,
            rejected: 3,
            revision: 7,
        };
        assert_eq!(
            counts.summary::<Contact>(elapsed),
            "11 contacts: 5 created, 1 updated, 2 unchanged, 3 rejected; 0.5 s, 22 rows/s, revision 7"
        );
        (counts.updated, counts.rejected) = (None, 0);
        assert_eq!(
            counts.summary::<Assignment>(elapsed),
            "7 memberships: 5 assigned, 2 already there, 0 rejected; 0.5 s, 14 rows/s, revision 7"
        );
        (counts.created, counts.unchanged, counts.revision) = (1, 0, 0);
        assert_eq!(
            counts.summary::<Assignment>(elapsed),
            "1 membership: 1 assigned, 0 already there, 0 rejected; 0.5 s, 2 rows/s"
        );
    }
}
