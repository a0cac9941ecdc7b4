//! The file of rejected rows: line, reason and the row as it was.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use csv::{Writer, WriterBuilder};

use super::{columns::Columns, order, source::Row};
use crate::client::error::Error;

/// Rejected rows; the file is there only if there are any.
pub(super) struct Rejects {
    path: PathBuf,
    delimiter: u8,
    columns: Arc<Columns>,
    file: Option<Writer<File>>,
    count: u64,
    /// The line of the last row, and whether all came in the order of their lines.
    last: u64,
    ordered: bool,
}

impl Rejects {
    /// Removes what an earlier run left, and makes sure that the file can be written.
    pub(super) fn new(
        path: PathBuf,
        input: &Path,
        delimiter: u8,
        columns: Arc<Columns>,
    ) -> Result<Self, Error> {
        if same(&path, input) {
            let path = path.display();
            let text =
                format!("rejected rows cannot go to the file that is read: {path} (--rejected)");
            return Err(Error::Input(text));
        }
        let rejects = Self {
            path,
            delimiter,
            columns,
            file: None,
            count: 0,
            last: 0,
            ordered: true,
        };
        // A device or a pipe is nothing to try out, let alone to remove.
        if !rejects.path.exists() || rejects.path.is_file() {
            let tried = File::create(&rejects.path).and_then(|_| fs::remove_file(&rejects.path));
            tried.map_err(|it| rejects.unwritable(it))?;
        }
        Ok(rejects)
    }

    pub(super) fn add(&mut self, row: &Row, reason: &str) -> Result<(), Error> {
        self.count += 1;
        self.ordered &= self.last <= row.line;
        self.last = row.line;
        self.write(row, reason).map_err(|it| self.unwritable(it))
    }

    /// Puts them in order. How many there are and where; None if there are none.
    pub(super) fn finish(mut self) -> Result<Option<(u64, PathBuf)>, Error> {
        let flushed = self.file.as_mut().map_or(Ok(()), Writer::flush);
        flushed.map_err(|it| self.unwritable(it))?;
        // What went to a device or a pipe stays in the order in which it was refused.
        if !self.ordered && self.path.is_file() {
            order::by_line(&self.path, self.delimiter).map_err(|it| self.unwritable(it))?;
        }
        Ok((self.count > 0).then_some((self.count, self.path)))
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    fn write(&mut self, row: &Row, reason: &str) -> io::Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.create()?,
        };
        let notes = [row.line.to_string(), reason.to_owned()];
        let notes = notes.iter().map(String::as_bytes);
        file.write_record(notes.chain(self.columns.without_notes(&row.record)))?;
        self.file = Some(file);
        Ok(())
    }

    fn create(&self) -> io::Result<Writer<File>> {
        let mut file = WriterBuilder::new()
            .delimiter(self.delimiter)
            .flexible(true)
            .from_writer(File::create(&self.path)?);
        let header = self.columns.header();
        let names = self.columns.without_notes(&header);
        file.write_record([b"line".as_slice(), b"reason"].into_iter().chain(names))?;
        Ok(file)
    }

    fn unwritable(&self, error: io::Error) -> Error {
        let name = format!("{} for rejected rows (--rejected)", self.path.display());
        Error::file("write", name, error)
    }
}

fn same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use csv::ByteRecord;

    use super::{super::columns::required, *};

    fn rejects(folder: &Path) -> Rejects {
        let header = ByteRecord::from(vec!["line", "code", "reason"]);
        let columns = Columns::check(&header, &[required("code")]).expect("fits");
        let path = folder.join("x.rejected.csv");
        Rejects::new(path, &folder.join("x.csv"), b';', Arc::new(columns)).expect("writable")
    }

    #[test]
    fn rejected_rows_have_line_and_reason_and_can_be_imported_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut rejects = rejects(folder.path());
        let record = ByteRecord::from(vec!["3", "A;B", "old"]);
        let row = Row {
            line: 7,
            bytes: 1,
            record,
        };
        rejects.add(&row, "code: no").expect("written");
        let (count, path) = rejects.finish().expect("written").expect("one");
        let text = fs::read_to_string(path).expect("there");
        assert_eq!(
            (count, text.as_str()),
            (1, "line;reason;code\n7;code: no;\"A;B\"\n")
        );
    }

    #[test]
    fn without_rejected_rows_an_earlier_file_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.rejected.csv");
        fs::write(&path, "old").expect("written");
        let nothing = rejects(folder.path()).finish().expect("fine");
        assert!(nothing.is_none() && !path.exists());
    }
}
