//! The file of an import: of known size, and readable from the start as often as needed.

use std::{path::Path, sync::Arc};

use encoding_rs::Encoding;

use super::{
    columns::{CsvColumns, ExpectedColumns},
    csv_rows::CsvRows,
    input::{self, TextInput},
};
use crate::client::error::Error;

/// Separators among which that of a file is found.
const DELIMITERS: [u8; 3] = *b",;\t";

/// Rows in which a header is searched for: reports have titles above it.
const MAX_TITLES: usize = 10;

/// What the flags say of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct CsvFormat {
    pub(super) delimiter: Option<u8>,
    pub(super) encoding: Option<&'static Encoding>,
}

/// A CSV file whose header has been checked.
pub(super) struct CsvFile {
    input: TextInput,
    /// Distinguishes the files of an import.
    index: usize,
    size: u64,
    delimiter: u8,
    columns: Arc<CsvColumns>,
    /// The header and what stands above it.
    header_rows: usize,
    fingerprint: String,
}

impl CsvFile {
    /// Opens a file, or stdin where the path is `-`, and checks the header.
    pub(super) fn open(
        path: &Path,
        format: CsvFormat,
        expected: ExpectedColumns,
    ) -> Result<Self, Error> {
        let input = TextInput::open(path, format.encoding)?;
        let unusable = |problem: String| Error::Input(format!("{}: {problem}", input.name()));
        let delimiter = format.delimiter.unwrap_or(b',');
        let mut rows = CsvRows::open(&input, 0, delimiter)?;
        input::refuse_foreign(rows.start()).map_err(unusable)?;
        let header = rows.next()?;
        let header = header.ok_or_else(|| unusable("the file is empty".to_owned()))?;
        let columns = CsvColumns::check(&header, expected).map_err(unusable)?;
        let mut file = Self::new(input, 0, delimiter, columns, 1);
        let scanned = file.input.scan()?;
        (file.size, file.fingerprint) = (scanned.size, scanned.fingerprint);
        let is_named = format.encoding.is_some() || file.input.is_decoded();
        match scanned.undecodable.filter(|_| is_named) {
            Some(line) => Err(file.input.undecodable(line)),
            // Rows that are not UTF-8 are rejected one by one.
            None => Ok(file),
        }
    }

    /// Opens a file of text, and searches its first rows for a header that fits, with each
    /// separator unless the flags name one. Returns what `fit` makes of it.
    pub(super) fn search<F>(
        path: &Path,
        index: usize,
        format: CsvFormat,
        fit: impl Fn(&CsvColumns) -> Result<F, String>,
    ) -> Result<(Self, F), Error> {
        let input = TextInput::open(path, format.encoding)?;
        let unusable = |problem: String| Error::Input(format!("{}: {problem}", input.name()));
        input::refuse_foreign(CsvRows::open(&input, index, b',')?.start()).map_err(unusable)?;
        let scanned = input.scan()?;
        if let Some(line) = scanned.undecodable {
            return Err(input.undecodable(line));
        }
        // The header that fits least badly is that with most columns.
        let mut worst = (0, "the file is empty".to_owned());
        let delimiters = format.delimiter.map_or(DELIMITERS.to_vec(), |it| vec![it]);
        for delimiter in delimiters {
            let mut rows = CsvRows::open(&input, index, delimiter)?;
            for header_rows in 1..=MAX_TITLES {
                let Some(header) = rows.next()? else {
                    break;
                };
                let fitting = CsvColumns::read(&header).and_then(|it| Ok((fit(&it)?, it)));
                match fitting {
                    Ok((fitting, columns)) => {
                        let file = Self::new(input, index, delimiter, columns, header_rows);
                        let (size, fingerprint) = (scanned.size, scanned.fingerprint);
                        return Ok((
                            Self {
                                size,
                                fingerprint,
                                ..file
                            },
                            fitting,
                        ));
                    }
                    Err(problem) if header.record.len() > worst.0 => {
                        worst = (header.record.len(), problem);
                    }
                    Err(_) => {}
                }
            }
        }
        Err(unusable(worst.1))
    }

    fn new(
        input: TextInput,
        index: usize,
        delimiter: u8,
        columns: CsvColumns,
        header_rows: usize,
    ) -> Self {
        Self {
            input,
            index,
            size: 0,
            delimiter,
            columns: Arc::new(columns),
            header_rows,
            fingerprint: String::new(),
        }
    }

    /// For messages.
    pub(super) fn name(&self) -> &str {
        self.input.name()
    }

    pub(super) fn columns(&self) -> Arc<CsvColumns> {
        Arc::clone(&self.columns)
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Distinguishes the files of an import.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// In bytes, as UTF-8.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Size and digest of the content.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Reads the rows below the header. Only one reader at a time: readers share the position.
    pub(super) fn rows(&self) -> Result<CsvRows, Error> {
        let mut rows = CsvRows::open(&self.input, self.index, self.delimiter)?;
        for _ in 0..self.header_rows {
            rows.next()?;
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{super::columns::CsvRow, *};
    use crate::client::rows;

    const COLUMNS: ExpectedColumns = ExpectedColumns::new(&rows::GROUP, 2);

    fn open(text: impl AsRef<[u8]>) -> Result<CsvFile, Error> {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_ref()).expect("room for it");
        let format = CsvFormat {
            delimiter: None,
            encoding: None,
        };
        CsvFile::open(file.path(), format, COLUMNS)
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
