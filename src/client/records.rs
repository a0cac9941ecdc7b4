//! Resources and results as lines: an aligned table or a sentence for people, a JSON object a line for
//! programs.

use std::io::{self, IsTerminal};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{error::Error, terminal};

/// The flag of commands that print resources or results.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct RecordFormatArgs {
    /// What is printed [default: table on a terminal, else json]
    #[arg(long, value_enum)]
    format: Option<RecordFormat>,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum RecordFormat {
    /// Aligned columns below their names; what was done as a sentence
    Table,
    /// One JSON object a line
    Json,
}

impl RecordFormatArgs {
    fn chosen(self) -> RecordFormat {
        self.format.unwrap_or(match io::stdout().is_terminal() {
            true => RecordFormat::Table,
            false => RecordFormat::Json,
        })
    }

    /// Prints what was done: a sentence, or a result.
    pub(super) fn done(self, sentence: &str, result: Record) -> Result<(), Error> {
        match self.chosen() {
            RecordFormat::Table => terminal::print(sentence),
            RecordFormat::Json => RecordPrinter::one(self, result),
        }
    }

    /// Prints what was done to a resource: a sentence and the resource, or the resource with the result.
    pub(super) fn done_to(
        self,
        sentence: &str,
        mut resource: Record,
        mut result: Record,
    ) -> Result<(), Error> {
        match self.chosen() {
            RecordFormat::Table => terminal::print(sentence)?,
            RecordFormat::Json => resource.0.append(&mut result.0),
        }
        RecordPrinter::one(self, resource)
    }

    /// Prints a resource and what belongs to it: as lines below it, or in it.
    pub(super) fn with_lines(
        self,
        mut resource: Record,
        lines: &[String],
        mut parts: Record,
    ) -> Result<(), Error> {
        match self.chosen() {
            RecordFormat::Table => {
                RecordPrinter::one(self, resource)?;
                lines.iter().try_for_each(|line| terminal::print(line))
            }
            RecordFormat::Json => {
                resource.0.append(&mut parts.0);
                RecordPrinter::one(self, resource)
            }
        }
    }
}

/// A resource or a result: its fields as the protos name them, in order.
pub(super) struct Record(pub(super) Vec<(&'static str, Value)>);

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Prints resources page by page, up to a limit.
pub(super) struct RecordPrinter {
    format: RecordFormat,
    left: u64,
    has_header: bool,
}

impl RecordPrinter {
    pub(super) fn new(args: RecordFormatArgs, limit: Option<u64>) -> Self {
        Self {
            format: args.chosen(),
            left: limit.unwrap_or(u64::MAX),
            has_header: false,
        }
    }

    /// Prints the only resource.
    pub(super) fn one(args: RecordFormatArgs, record: Record) -> Result<(), Error> {
        Self::new(args, None).print(record)
    }

    /// Prints a resource. It is no failure if stdout is closed: the work is done.
    pub(super) fn print(&mut self, record: Record) -> Result<(), Error> {
        match self.page(vec![record], String::new()) {
            Err(Error::OutputClosed) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Prints a page; the token of the next one, unless the limit is reached.
    pub(super) fn page(&mut self, mut records: Vec<Record>, next: String) -> Result<String, Error> {
        records.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= records.len() as u64;
        match self.format {
            RecordFormat::Table => self.table(&records)?,
            RecordFormat::Json => {
                for record in &records {
                    let line = serde_json::to_string(record).expect("values under plain keys");
                    terminal::print_or_stop(line)?;
                }
            }
        }
        Ok(if self.left == 0 { String::new() } else { next })
    }

    fn table(&mut self, records: &[Record]) -> Result<(), Error> {
        let Some(first) = records.first() else {
            return Ok(());
        };
        let header = first.0.iter().map(|(name, _)| name.to_uppercase());
        let mut rows: Vec<Vec<_>> = match std::mem::replace(&mut self.has_header, true) {
            true => Vec::new(),
            false => vec![header.collect()],
        };
        rows.extend(
            records
                .iter()
                .map(|it| it.0.iter().map(|(_, value)| cell(value)).collect()),
        );
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<_> = (0..first.0.len())
            .map(|it| width(it).unwrap_or(0))
            .collect();
        for row in &rows {
            let cells = row.iter().zip(&widths);
            let cells: Vec<_> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            terminal::print_or_stop(cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| **value != 0);
            let fields = fields.map(|(name, value)| format!("{name}={}", cell(value)));
            fields.collect::<Vec<_>>().join(" ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
