//! The file of rejected rows: line, reason and the row as it was.
//!
//! No file is lost: rows are written to a temporary file, which takes its name when the import
//! ends. Only a file that begins with the header of rejected rows is replaced, or any file with
//! `--force`. Devices and pipes are written directly.

mod target;

use std::{
    fs::{self, File},
    io::{self, Seek, Write},
    path::Path,
    sync::Arc,
};

use csv::{ByteRecord, ReaderBuilder, Writer, WriterBuilder};
use tempfile::NamedTempFile;

use self::target::{RejectedTarget, is_rejected_file};
use super::{
    columns::{CsvColumns, CsvRow},
    csv_file::CsvFile,
};
use crate::client::{error::Error, rows, temporary, terminal::pluralize};

/// An opened destination.
enum RejectedOutput {
    Stream(Box<dyn Write + Send>),
    Temporary(NamedTempFile),
}

impl Write for RejectedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stream(it) => it.write(bytes),
            Self::Temporary(it) => it.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(it) => it.flush(),
            Self::Temporary(it) => it.flush(),
        }
    }
}

/// Rejected rows, in a file that exists only if there are any.
pub(super) struct RejectedRows {
    /// The destination, for messages; None if rows are only counted.
    name: Option<String>,
    target: RejectedTarget,
    delimiter: u8,
    columns: Arc<CsvColumns>,
    output: Option<Writer<RejectedOutput>>,
    count: u64,
    /// The first row by its line, with the input and the reason, if rows are only counted.
    first: Option<(u64, String)>,
    input: String,
    last_line: u64,
    /// Whether all rows came in the order of their lines.
    is_sorted: bool,
    /// Whether the service has answered: only then is the file of an earlier run replaced.
    is_confirmed: bool,
}

impl RejectedRows {
    /// Refuses a file that must not be replaced. Without a path, rows are only counted.
    pub(super) fn new(
        path: Option<&Path>,
        force: bool,
        input: &Path,
        file: &CsvFile,
    ) -> Result<Self, Error> {
        Self::of(path, force, input, (file.delimiter(), file.columns()))
    }

    fn of(
        path: Option<&Path>,
        force: bool,
        input: &Path,
        (delimiter, columns): (u8, Arc<CsvColumns>),
    ) -> Result<Self, Error> {
        let target = match path {
            Some(path) => RejectedTarget::new(path, force, delimiter)?,
            None => RejectedTarget::Nowhere,
        };
        let name = path.map(|path| match target {
            RejectedTarget::Stdout => "standard output".to_owned(),
            RejectedTarget::Nowhere | RejectedTarget::Device(_) | RejectedTarget::File { .. } => {
                path.display().to_string()
            }
        });
        if let Some(path) = path.filter(|path| is_same_file(path, input)) {
            return Err(Error::Input(format!(
                "rejected rows cannot be written to the input file {} (--rejected)",
                path.display()
            )));
        }
        Ok(Self {
            name,
            target,
            delimiter,
            columns,
            output: None,
            count: 0,
            first: None,
            input: input.display().to_string(),
            last_line: 0,
            is_sorted: true,
            is_confirmed: false,
        })
    }

    /// The service has answered.
    pub(super) fn confirm(&mut self) {
        self.is_confirmed = true;
    }

    pub(super) fn add(&mut self, row: &CsvRow, reason: &str) -> Result<(), Error> {
        self.count += 1;
        self.is_sorted &= self.last_line <= row.line;
        self.last_line = row.line;
        if self.name.is_none() && self.first.as_ref().is_none_or(|it| row.line < it.0) {
            let text = format!("{}, line {}: {reason}", self.input, row.line);
            self.first = Some((row.line, text));
        }
        self.write(row, reason).or_else(|it| self.unwritable(it))
    }

    /// Completes the output. Returns how many rows there are and where, if there are any.
    /// `is_complete` means that all rows were imported or rejected: a file of an earlier run has
    /// become pointless.
    pub(super) fn finish(mut self, is_complete: bool) -> Result<Option<String>, Error> {
        match self.output.take() {
            Some(_) if !self.replaces() => return Ok(None),
            Some(output) => self.persist(output).or_else(|it| self.unwritable(it))?,
            None if self.count > 0 => {}
            None => {
                if is_complete {
                    self.remove_stale();
                }
                return Ok(None);
            }
        }
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        let rows = pluralize(count, "rejected row", "rejected rows");
        Ok(Some(match self.name {
            Some(name) => format!("{rows}, with line and reason: {name}"),
            None => {
                let first = self.first.map(|(_, text)| text).unwrap_or_default();
                format!("{rows}; --rejected writes them, with line and reason; the first: {first}")
            }
        }))
    }

    /// Whether the rows may take the place of what is there.
    fn replaces(&self) -> bool {
        match &self.target {
            RejectedTarget::Nowhere | RejectedTarget::Stdout | RejectedTarget::Device(_) => true,
            RejectedTarget::File { path, .. } => self.is_confirmed || !path.exists(),
        }
    }

    /// Removes the file of an earlier run, whose rows are imported now. In a read-only folder it
    /// stays.
    fn remove_stale(&self) {
        if let RejectedTarget::File { path, is_stale, .. } = &self.target
            && *is_stale
            && is_rejected_file(path, self.delimiter).unwrap_or(false)
        {
            let _ = fs::remove_file(path);
        }
    }

    fn write(&mut self, row: &CsvRow, reason: &str) -> io::Result<()> {
        let mut output = match (self.output.take(), &self.target) {
            (_, RejectedTarget::Nowhere) => return Ok(()),
            (Some(output), _) => output,
            (None, _) => self.open()?,
        };
        let first = [row.line.to_string(), reason.to_owned()];
        let first = first.iter().map(String::as_bytes);
        let values = self.columns.without_rejection_columns(&row.record);
        let written = output.write_record(first.chain(values));
        written.map_err(rows::write_error)?;
        self.output = Some(output);
        Ok(())
    }

    fn open(&self) -> io::Result<Writer<RejectedOutput>> {
        let output = match &self.target {
            RejectedTarget::Nowhere => RejectedOutput::Stream(Box::new(io::sink())),
            RejectedTarget::Stdout => RejectedOutput::Stream(Box::new(io::stdout())),
            RejectedTarget::Device(path) => {
                RejectedOutput::Stream(Box::new(File::options().append(true).open(path)?))
            }
            RejectedTarget::File { path, .. } => {
                RejectedOutput::Temporary(temporary::in_folder_of(path)?)
            }
        };
        let mut output = csv_writer(output, self.delimiter);
        let header = self.columns.header();
        let names = self.columns.without_rejection_columns(&header);
        output.write_record([b"line".as_slice(), b"reason"].into_iter().chain(names))?;
        Ok(output)
    }

    /// Puts the rows in the order of the input. The rows of a stream stay in the order in which
    /// they were rejected.
    fn persist(&self, output: Writer<RejectedOutput>) -> io::Result<()> {
        let output = output
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        match (output, &self.target) {
            (
                RejectedOutput::Temporary(mut file),
                RejectedTarget::File {
                    path,
                    is_stale,
                    force,
                },
            ) => {
                if !self.is_sorted {
                    sort_by_line(file.as_file_mut(), self.delimiter)?;
                }
                // A file that was created in the meantime is not replaced.
                let persisted = match *force || *is_stale {
                    true => file.persist(path),
                    false => file.persist_noclobber(path),
                };
                persisted.map(drop).map_err(|it| it.error)
            }
            (mut output, _) => output.flush(),
        }
    }

    /// If the reader of a pipe has closed it, as `head` does, the rest is only counted.
    fn unwritable(&mut self, error: io::Error) -> Result<(), Error> {
        if error.kind() == io::ErrorKind::BrokenPipe {
            self.target = RejectedTarget::Nowhere;
            return Ok(());
        }
        let name = self.name.as_deref().unwrap_or_default();
        let name = format!("rejected rows to {name} (--rejected)");
        Err(Error::file("write", name, error))
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Sorts rows by their first column, the line. Rows are rejected in another order, as companies are
/// sent before persons, and unreadable rows are known before the service has answered.
fn sort_by_line(file: &mut File, delimiter: u8) -> io::Result<()> {
    file.rewind()?;
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(&*file);
    let header = reader.byte_headers()?.clone();
    let rows: Result<Vec<_>, _> = reader.into_byte_records().collect();
    let mut rows = rows?;
    rows.sort_by_key(line);
    file.rewind()?;
    let mut writer = csv_writer(file, delimiter);
    writer.write_byte_record(&header)?;
    for row in &rows {
        writer.write_byte_record(row)?;
    }
    writer.flush()
}

fn csv_writer<W: Write>(output: W, delimiter: u8) -> Writer<W> {
    WriterBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_writer(output)
}

fn line(record: &ByteRecord) -> u64 {
    let text = record.get(0).and_then(|it| std::str::from_utf8(it).ok());
    text.and_then(|it| it.parse().ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
