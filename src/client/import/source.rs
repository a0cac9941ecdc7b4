//! The file behind an import: of known size, readable from the start as often as needed.

use std::{
    fs::File,
    io::{self, Seek},
    path::Path,
    sync::Arc,
};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{
    columns::{Column, Columns},
    lines::Lines,
};
use crate::client::error::Error;

/// A CSV file whose header has been checked.
pub(super) struct Table {
    file: File,
    name: String,
    size: u64,
    delimiter: u8,
    columns: Arc<Columns>,
}

impl Table {
    /// Opens a file, or stdin where the path is `-`, and checks the header.
    pub(super) fn open(path: &Path, delimiter: u8, wanted: &[Column]) -> Result<Self, Error> {
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
        let columns = Columns::check(header, wanted)
            .map_err(|wrong| Error::Input(format!("{name}: {wrong}")))?;
        Ok(Self {
            file,
            name,
            size,
            delimiter,
            columns: Arc::new(columns),
        })
    }

    pub(super) fn columns(&self) -> Arc<Columns> {
        Arc::clone(&self.columns)
    }

    /// Bytes in the file.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Reads the rows from the first one on; only one reader at a time, as they share the file.
    pub(super) fn rows(&self) -> Result<Rows, Error> {
        let file = self.file.try_clone();
        let reader = file.and_then(|file| reader(file, self.delimiter));
        Ok(Rows {
            reader: reader.map_err(|it| Error::file("read", &self.name, it))?,
            name: self.name.clone(),
        })
    }
}

/// A row of the file.
#[derive(Debug)]
pub(super) struct Row {
    /// The line on which it begins; the header's is usually 1.
    pub(super) line: u64,
    /// How many bytes of the file it takes up.
    pub(super) bytes: u64,
    /// The row as it stands.
    pub(super) record: ByteRecord,
}

/// Reads rows one by one.
pub(super) struct Rows {
    reader: Reader<Lines<File>>,
    name: String,
}

impl Rows {
    /// The next row, or None after the last.
    pub(super) fn next(&mut self) -> Result<Option<Row>, Error> {
        let start = self.reader.position().byte();
        let mut record = ByteRecord::new();
        match self.reader.read_byte_record(&mut record) {
            Err(error) => Err(Error::file("read", &self.name, error.into())),
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(Row {
                line: self.reader.get_mut().at(start),
                bytes: self.reader.position().byte() - start,
                record,
            })),
        }
    }
}

/// The file itself; what can be read only once is copied to a temporary file first.
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

fn spooled(mut input: impl io::Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut input, &mut file)?;
    Ok(file)
}

/// A reader that stands behind the header.
fn reader(mut file: File, delimiter: u8) -> io::Result<Reader<Lines<File>>> {
    file.rewind()?;
    // Rows of another length are read as they are, to be rejected one by one.
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .buffer_capacity(1 << 16)
        .from_reader(Lines::new(file));
    reader.byte_headers()?;
    Ok(reader)
}
