//! The file of an import: of known size, readable from the start as often as needed, with the line
//! on which each row begins.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::Path,
    sync::Arc,
};

use memchr::memchr2;

use super::{
    columns::{CsvColumns, CsvRow, ExpectedColumns},
    input, records,
};
use crate::client::error::Error;

/// The largest row, in bytes.
const MAX_ROW: usize = 1 << 20;

/// What is read at once.
const READ: usize = 1 << 16;

/// The mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A CSV file whose header has been checked.
pub(super) struct CsvFile {
    file: File,
    name: String,
    size: u64,
    delimiter: u8,
    columns: Arc<CsvColumns>,
    fingerprint: String,
}

impl CsvFile {
    /// Opens a file, or stdin where the path is `-`, and checks the header.
    pub(super) fn open(
        path: &Path,
        delimiter: u8,
        expected: ExpectedColumns,
    ) -> Result<Self, Error> {
        let name = match path.to_str() {
            Some("-") => "standard input".to_owned(),
            _ => path.display().to_string(),
        };
        let unreadable = |it| Error::file("read", &name, it);
        let unusable = |problem| Error::Input(format!("{name}: {problem}"));
        let file = input::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut rows = CsvRows::open(&file, &name, delimiter)?;
        input::refuse_foreign(&rows.buffer).map_err(unusable)?;
        let header = rows.next()?;
        let header = header.ok_or_else(|| unusable("the file is empty".to_owned()))?;
        let columns = CsvColumns::check(&header, expected).map_err(unusable)?;
        let fingerprint = input::fingerprint(&file, size);
        Ok(Self {
            file,
            size,
            delimiter,
            columns: Arc::new(columns),
            fingerprint: fingerprint.map_err(unreadable)?,
            name,
        })
    }

    pub(super) fn columns(&self) -> Arc<CsvColumns> {
        Arc::clone(&self.columns)
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Size and digest of the content.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Reads the rows from the first one on. Only one reader at a time: readers share the position.
    pub(super) fn rows(&self) -> Result<CsvRows, Error> {
        let mut rows = CsvRows::open(&self.file, &self.name, self.delimiter)?;
        rows.next()?;
        Ok(rows)
    }
}

/// Reads row by row. Memory is bounded by the largest row.
pub(super) struct CsvRows {
    file: File,
    name: String,
    delimiter: u8,
    buffer: Vec<u8>,
    /// Where the next row begins in the buffer.
    start: usize,
    is_end: bool,
    /// The line on which the next row begins.
    line: u64,
}

impl CsvRows {
    fn open(file: &File, name: &str, delimiter: u8) -> Result<Self, Error> {
        let mut rows = Self {
            file: file
                .try_clone()
                .map_err(|it| Error::file("read", name, it))?,
            name: name.to_owned(),
            delimiter,
            buffer: Vec::new(),
            start: 0,
            is_end: false,
            line: 1,
        };
        let rewound = rows.file.rewind();
        rewound.map_err(|it| rows.unreadable(it))?;
        rows.fill()?;
        if rows.buffer.starts_with(BYTE_ORDER_MARK) {
            rows.start = BYTE_ORDER_MARK.len();
        }
        Ok(rows)
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
            let text = &self.buffer[self.start..];
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
            line: self.line,
            bytes: found.length as u64,
            record: found.fields,
            problem: found.problem,
        };
        self.line += found.line_breaks;
        self.start += found.length;
        if found.length > MAX_ROW {
            row.bytes += self.skip_line()?;
            row.problem = Some("the row is larger than 1 MiB".to_owned());
        }
        Ok(Some(row))
    }

    /// Skips the rest of a line that is too long. Returns its length.
    fn skip_line(&mut self) -> Result<u64, Error> {
        let mut skipped = 0;
        let mut is_skipped = matches!(self.buffer[self.start - 1], b'\n' | b'\r');
        while !is_skipped && !self.is_end {
            self.fill()?;
            // The line break stays, as an empty row.
            let end = memchr2(b'\n', b'\r', &self.buffer);
            self.start = end.unwrap_or(self.buffer.len());
            skipped += self.start as u64;
            is_skipped = end.is_some();
        }
        Ok(skipped)
    }

    /// Reads more, at least as much as the buffer still holds.
    fn fill(&mut self) -> Result<(), Error> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let more = READ.max(self.buffer.len());
        let read = (&self.file).take(more as u64).read_to_end(&mut self.buffer);
        self.is_end = read.map_err(|it| self.unreadable(it))? < more;
        Ok(())
    }

    fn unreadable(&self, error: io::Error) -> Error {
        Error::file("read", &self.name, error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::client::rows;

    const COLUMNS: ExpectedColumns = ExpectedColumns::new(&rows::GROUP, 2);

    fn open(text: impl AsRef<[u8]>) -> Result<CsvFile, Error> {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_ref()).expect("room for it");
        CsvFile::open(file.path(), b',', COLUMNS)
    }

    /// Line, first field and problem of each row.
    fn rows(text: &str) -> Vec<(u64, String, String)> {
        let mut rows = open(text).and_then(|it| it.rows()).expect("a valid header");
        let row = || rows.next().expect("readable");
        let read = |row: CsvRow| {
            let first = String::from_utf8_lossy(&row.record[0]).into_owned();
            (row.line, first, row.problem.unwrap_or_default())
        };
        std::iter::from_fn(row).map(read).collect()
    }

    #[test]
    fn rows_have_the_number_of_their_first_line_and_empty_ones_are_skipped() {
        let text = "\u{feff}\r\n,,\ncode,description,,\r\nA,x\r\r\n , ,,,\n\"B\r\n\",y\n\nC,\"z\n";
        let unclosed = "a quote opened in line 10 is not closed";
        let row = |line, code: &str, problem: &str| (line, code.to_owned(), problem.to_owned());
        assert_eq!(
            rows(text),
            [row(4, "A", ""), row(7, "B\r\n", ""), row(10, "C", unclosed)]
        );
    }

    #[test]
    fn a_row_that_is_too_long_does_not_concern_the_next_one() {
        let long = "x".repeat(3 << 20);
        for quote in ["", "\""] {
            let text = format!("code,description\nA,{quote}{long}\r\nB,y\n{quote}{long}");
            let found = rows(&text);
            let lines: Vec<_> = found.iter().map(|it| it.0).collect();
            assert_eq!(lines, [2, 3, 4]);
            assert_eq!(found[0].2, "the row is larger than 1 MiB");
            assert_eq!(found[1].2, "");
            assert_eq!(found[2].2, found[0].2);
        }
    }

    #[test]
    fn a_header_that_cannot_be_read_is_refused() {
        for (text, what) in [
            (&b"cod\xe9,description\n"[..], "its header is not UTF-8"),
            (b"code,\"description\nA,x\n", "a quote opened in line 1"),
            (b"PK\x03\x04", "a ZIP archive"),
            (b"", "the file is empty"),
            (b"\n ,,\n", "the file is empty"),
        ] {
            let refused = open(text).err().expect("refused").to_string();
            assert!(refused.contains(what), "{refused}");
        }
    }
}
