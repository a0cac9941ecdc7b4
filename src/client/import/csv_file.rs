//! The file of an import: of known size, readable from the start as often as needed, with the line
//! on which each record begins.
//!
//! The CSV reader takes a record to begin where the previous one ends. So its line numbers are one
//! too low in files with CRLF, and after blank lines they name the blank line. [`LineCounter`]
//! records the line breaks that are read ahead and counts them up to the start of a record.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek},
    path::Path,
    sync::Arc,
};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::columns::{CsvColumn, CsvColumns};
use crate::client::error::Error;

/// A CSV file whose header has been checked.
pub(super) struct CsvFile {
    file: File,
    name: String,
    size: u64,
    delimiter: u8,
    columns: Arc<CsvColumns>,
}

impl CsvFile {
    /// Opens a file, or stdin where the path is `-`, and checks the header.
    pub(super) fn open(path: &Path, delimiter: u8, expected: &[CsvColumn]) -> Result<Self, Error> {
        let name = match path.to_str() {
            Some("-") => "standard input".to_owned(),
            _ => path.display().to_string(),
        };
        let unreadable = |it| Error::file("read", &name, it);
        let file = seekable(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut reader = file
            .try_clone()
            .and_then(|file| reader(file, delimiter))
            .map_err(unreadable)?;
        let header = reader.byte_headers().map_err(|it| unreadable(it.into()))?;
        if header.is_empty() {
            return Err(Error::Input(format!("{name}: the file is empty")));
        }
        let columns = CsvColumns::check(header, expected)
            .map_err(|problem| Error::Input(format!("{name}: {problem}")))?;
        Ok(Self {
            file,
            name,
            size,
            delimiter,
            columns: Arc::new(columns),
        })
    }

    pub(super) fn columns(&self) -> Arc<CsvColumns> {
        Arc::clone(&self.columns)
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Reads the rows from the first one on. Only one reader at a time: readers share the position.
    pub(super) fn rows(&self) -> Result<CsvRows, Error> {
        let file = self.file.try_clone();
        let reader = file.and_then(|file| reader(file, self.delimiter));
        Ok(CsvRows {
            reader: reader.map_err(|it| Error::file("read", &self.name, it))?,
            name: self.name.clone(),
        })
    }
}

/// A row of the file.
#[derive(Debug)]
pub(super) struct CsvRow {
    /// The line on which it begins; the header's is usually 1.
    pub(super) line: u64,
    /// Its length in the file.
    pub(super) bytes: u64,
    pub(super) record: ByteRecord,
}

pub(super) struct CsvRows {
    reader: Reader<LineCounter<File>>,
    name: String,
}

impl CsvRows {
    /// The next row, or None after the last.
    pub(super) fn next(&mut self) -> Result<Option<CsvRow>, Error> {
        let start = self.reader.position().byte();
        let mut record = ByteRecord::new();
        match self.reader.read_byte_record(&mut record) {
            Err(error) => Err(Error::file("read", &self.name, error.into())),
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(CsvRow {
                line: self.reader.get_mut().line_at(start),
                bytes: self.reader.position().byte() - start,
                record,
            })),
        }
    }
}

/// Opens the file. Input that can be read only once is copied to a temporary file.
fn seekable(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        return spooled(io::stdin().lock());
    }
    let file = File::open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => spooled(file),
    }
}

fn spooled(mut input: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut input, &mut file)?;
    Ok(file)
}

/// A reader positioned after the header.
fn reader(mut file: File, delimiter: u8) -> io::Result<Reader<LineCounter<File>>> {
    file.rewind()?;
    // Rows of another length are read as they are, to be rejected one by one.
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .buffer_capacity(1 << 16)
        .from_reader(LineCounter::new(file));
    reader.byte_headers()?;
    Ok(reader)
}

/// A reader that records the line breaks in what it reads.
struct LineCounter<R> {
    inner: R,
    offset: u64,
    /// The line on which the next break ends.
    line: u64,
    /// The offsets of `\n` (true) and `\r` (false) that are not counted yet.
    breaks: VecDeque<(u64, bool)>,
}

impl<R> LineCounter<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            offset: 0,
            line: 1,
            breaks: VecDeque::new(),
        }
    }

    /// The line of the first byte at or after `start` that is no line break. `start` never
    /// decreases.
    fn line_at(&mut self, mut start: u64) -> u64 {
        while let Some(&(offset, is_feed)) = self.breaks.front().filter(|it| it.0 <= start) {
            self.breaks.pop_front();
            self.line += u64::from(is_feed);
            start += u64::from(offset == start);
        }
        self.line
    }
}

impl<R: Read> Read for LineCounter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for (offset, byte) in (self.offset..).zip(&buffer[..read]) {
            if matches!(byte, b'\n' | b'\r') {
                self.breaks.push_back((offset, *byte == b'\n'));
            }
        }
        self.offset += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<u64> {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(LineCounter::new(text.as_bytes()));
        let mut record = csv::ByteRecord::new();
        let mut numbers = Vec::new();
        while reader.read_byte_record(&mut record).expect("readable") {
            let start = record.position().expect("known").byte();
            numbers.push(reader.get_mut().line_at(start));
        }
        numbers
    }

    #[test]
    fn a_record_has_the_number_of_its_first_line() {
        assert_eq!(numbers("a,b\n1,2\n3,4"), [2, 3]);
        assert_eq!(numbers("a,b\r\n1,2\r\n3,4\r\n"), [2, 3]);
        assert_eq!(
            numbers("\u{feff}a,b\n\n1,2\n\n\n\"x\ny\",4\n5,6\n"),
            [3, 6, 8]
        );
        assert_eq!(numbers("a,b\r\n\r\n\"x\r\ny\",2\r\n\r\n3\r\n"), [3, 6]);
    }
}
