//! Reads the rows of a file, with the line on which each begins.

use std::io::Read;

use memchr::memchr2;

use super::{columns::CsvRow, input::TextInput, records};
use crate::client::error::Error;

/// The largest row, in bytes.
const MAX_ROW: usize = 1 << 20;

/// What is read at once.
const READ: usize = 1 << 16;

/// The mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads row by row. Memory is bounded by the largest row.
pub(super) struct CsvRows {
    text: Box<dyn Read + Send>,
    name: String,
    file: usize,
    delimiter: u8,
    buffer: Vec<u8>,
    /// Where the next row begins in the buffer.
    at: usize,
    is_end: bool,
    /// The line on which the next row begins.
    line: u64,
}

impl CsvRows {
    pub(super) fn open(input: &TextInput, file: usize, delimiter: u8) -> Result<Self, Error> {
        let mut rows = Self {
            text: input.read()?,
            name: input.name().to_owned(),
            file,
            delimiter,
            buffer: Vec::new(),
            at: 0,
            is_end: false,
            line: 1,
        };
        rows.fill()?;
        if rows.buffer.starts_with(BYTE_ORDER_MARK) {
            rows.at = BYTE_ORDER_MARK.len();
        }
        Ok(rows)
    }

    /// The first bytes of the text.
    pub(super) fn start(&self) -> &[u8] {
        &self.buffer
    }

    /// The next row that is not empty, or None after the last.
    pub(super) fn next(&mut self) -> Result<Option<CsvRow>, Error> {
        let mut bytes = 0;
        loop {
            let Some(row) = self.record()? else {
                return Ok(None);
            };
            bytes += row.bytes;
            if row.problem.is_some() || row.record.iter().any(|it| !it.trim_ascii().is_empty()) {
                return Ok(Some(CsvRow { bytes, ..row }));
            }
        }
    }

    fn record(&mut self) -> Result<Option<CsvRow>, Error> {
        let found = loop {
            let text = &self.buffer[self.at..];
            if text.is_empty() && self.is_end {
                return Ok(None);
            }
            let is_all = self.is_end || text.len() > MAX_ROW;
            match records::read(text, is_all, self.delimiter, self.line) {
                Some(found) => break found,
                None => self.fill()?,
            }
        };
        let mut row = CsvRow {
            file: self.file,
            line: self.line,
            bytes: found.length as u64,
            record: found.fields,
            problem: found.problem,
        };
        self.line += found.line_breaks;
        self.at += found.length;
        if found.length > MAX_ROW {
            row.bytes += self.skip_line()?;
            row.problem = Some("the row is larger than 1 MiB".to_owned());
        }
        Ok(Some(row))
    }

    /// Skips the rest of a line that is too long. Returns its length.
    fn skip_line(&mut self) -> Result<u64, Error> {
        let mut skipped = 0;
        let mut is_skipped = matches!(self.buffer[self.at - 1], b'\n' | b'\r');
        while !is_skipped && !self.is_end {
            self.fill()?;
            // The line break stays, as an empty row.
            let end = memchr2(b'\n', b'\r', &self.buffer);
            self.at = end.unwrap_or(self.buffer.len());
            skipped += self.at as u64;
            is_skipped = end.is_some();
        }
        Ok(skipped)
    }

    /// Reads more, at least as much as the buffer still holds.
    fn fill(&mut self) -> Result<(), Error> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let more = READ.max(self.buffer.len());
        let read = (&mut self.text)
            .take(more as u64)
            .read_to_end(&mut self.buffer);
        self.is_end = read.map_err(|it| Error::file("read", &self.name, it))? < more;
        Ok(())
    }
}
