//! The files of an export. They are written as temporary files and get their names together.

use std::{
    fmt,
    io::{self, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use csv::Writer;
use tempfile::NamedTempFile;
use tokio::sync::mpsc::Receiver;

use super::stream::ExportEvent;
use crate::client::{
    error::Error, import::FILES, progress::Progress, rows, temporary, terminal::pluralize,
};

pub(super) struct ExportFiles {
    groups: ExportFile,
    contacts: ExportFile,
    memberships: ExportFile,
}

impl ExportFiles {
    /// Creates the temporary files in a folder.
    pub(super) fn create(folder: &Path) -> Result<Self, Error> {
        let [groups, contacts, memberships] = FILES.map(|name| folder.join(name));
        Ok(Self {
            groups: ExportFile::create(groups, &rows::GROUP)?,
            contacts: ExportFile::create(contacts, &rows::CONTACT)?,
            memberships: ExportFile::create(memberships, &rows::MEMBERSHIP)?,
        })
    }

    /// Writes events until the channel is closed.
    pub(super) fn write(
        mut self,
        mut events: Receiver<ExportEvent>,
        mut progress: Progress,
    ) -> Result<Self, Error> {
        while let Some(event) = events.blocking_recv() {
            match event {
                ExportEvent::Groups(groups) => self.groups.add(groups.iter().map(rows::group))?,
                ExportEvent::Page(page) => {
                    self.contacts.add(page.contacts.iter().map(rows::contact))?;
                    let memberships = page.assignments.iter().map(rows::membership);
                    self.memberships.add(memberships)?;
                }
                ExportEvent::Checkpoint => {
                    let before = self.contacts.checkpoint.rows;
                    self.files().try_for_each(ExportFile::mark_checkpoint)?;
                    let (contacts, memberships) = (self.contacts.rows, self.memberships.rows);
                    progress.advance(contacts - before, contacts + memberships);
                }
                ExportEvent::Rollback => self.files().try_for_each(ExportFile::roll_back)?,
            }
        }
        progress.finish();
        Ok(self)
    }

    /// Gives the complete files their names. The files that others depend on come last, so that an
    /// import of a part of the files fails.
    pub(super) fn persist(self, replace: bool) -> Result<(), Error> {
        for table in [self.memberships, self.contacts, self.groups] {
            table.persist(replace)?;
        }
        Ok(())
    }

    fn files(&mut self) -> impl Iterator<Item = &mut ExportFile> {
        [&mut self.groups, &mut self.contacts, &mut self.memberships].into_iter()
    }
}

impl fmt::Display for ExportFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |table: &ExportFile| i64::try_from(table.rows).unwrap_or(i64::MAX);
        let groups = pluralize(rows(&self.groups), "mailing group", "mailing groups");
        let contacts = pluralize(rows(&self.contacts), "contact", "contacts");
        let memberships = pluralize(rows(&self.memberships), "membership", "memberships");
        write!(f, "{groups}, {contacts}, {memberships}")
    }
}

/// A position in a file.
#[derive(Clone, Copy)]
struct FilePosition {
    bytes: u64,
    rows: u64,
}

struct ExportFile {
    csv: Writer<NamedTempFile>,
    path: PathBuf,
    rows: u64,
    /// A rollback returns to this position.
    checkpoint: FilePosition,
}

impl ExportFile {
    fn create(path: PathBuf, columns: &[&str]) -> Result<Self, Error> {
        let unwritable = |it| Error::file("write", path.display(), it);
        let mut csv = Writer::from_writer(temporary::in_folder_of(&path).map_err(unwritable)?);
        let written = csv.write_record(columns).map_err(io::Error::from);
        written.map_err(unwritable)?;
        let checkpoint = FilePosition { bytes: 0, rows: 0 };
        let mut table = Self {
            csv,
            path,
            rows: 0,
            checkpoint,
        };
        table.mark_checkpoint()?;
        Ok(table)
    }

    fn add<T: AsRef<str>, const N: usize>(
        &mut self,
        records: impl Iterator<Item = [T; N]>,
    ) -> Result<(), Error> {
        for record in records {
            let record = record.each_ref().map(AsRef::as_ref);
            let written = self.csv.write_record(record).map_err(io::Error::from);
            written.map_err(|it| self.unwritable(it))?;
            self.rows += 1;
        }
        Ok(())
    }

    /// Keeps what was written until now.
    fn mark_checkpoint(&mut self) -> Result<(), Error> {
        let position = self.csv.flush();
        let position = position.and_then(|()| self.csv.get_ref().as_file().stream_position());
        self.checkpoint = FilePosition {
            bytes: position.map_err(|it| self.unwritable(it))?,
            rows: self.rows,
        };
        Ok(())
    }

    /// Discards what was written after the checkpoint.
    fn roll_back(&mut self) -> Result<(), Error> {
        let FilePosition { bytes, rows } = self.checkpoint;
        let flushed = self.csv.flush();
        let mut file = self.csv.get_ref().as_file();
        let truncated = flushed.and_then(|()| file.set_len(bytes));
        let truncated = truncated.and_then(|()| file.seek(SeekFrom::Start(bytes)));
        truncated.map_err(|it| self.unwritable(it))?;
        self.rows = rows;
        Ok(())
    }

    fn persist(self, replace: bool) -> Result<(), Error> {
        let unwritable = |it| Error::file("write", self.path.display(), it);
        let file = self.csv.into_inner();
        let file = file.map_err(|it| unwritable(it.into_error()))?;
        file.as_file().sync_all().map_err(unwritable)?;
        let persisted = match replace {
            true => file.persist(&self.path),
            false => file.persist_noclobber(&self.path),
        };
        persisted.map(drop).map_err(|it| unwritable(it.error))
    }

    fn unwritable(&self, error: io::Error) -> Error {
        Error::file("write", self.path.display(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_discards_rows_after_the_checkpoint() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.csv");
        let mut table = ExportFile::create(path.clone(), &["a", "b"]).expect("made");
        table.add([["1", "x,y"]].into_iter()).expect("written");
        table.mark_checkpoint().expect("written");
        table
            .add([["2", "long enough"]].into_iter())
            .expect("written");
        table.roll_back().expect("truncated");
        table.add([["3", ""]].into_iter()).expect("written");
        assert_eq!(table.rows, 2);
        table.persist(false).expect("persisted");
        let text = std::fs::read_to_string(&path).expect("there");
        assert_eq!(text, "a,b\n1,\"x,y\"\n3,\n");
    }
}
