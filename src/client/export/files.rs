//! The files of an export, written under temporary names and put into their places together.

use std::{
    fmt,
    io::{self, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use csv::Writer;
use tempfile::NamedTempFile;
use tokio::sync::mpsc::Receiver;

use super::stream::Handed;
use crate::client::{
    error::Error, import::FILES, progress::Progress, rows, temporary, terminal::pluralize,
};

/// The files of an export.
pub(super) struct Files {
    groups: Table,
    contacts: Table,
    memberships: Table,
}

impl Files {
    /// Begins the files of a folder.
    pub(super) fn create(folder: &Path) -> Result<Self, Error> {
        let [groups, contacts, memberships] = FILES.map(|name| folder.join(name));
        Ok(Self {
            groups: Table::create(groups, &rows::GROUP)?,
            contacts: Table::create(contacts, &rows::CONTACT)?,
            memberships: Table::create(memberships, &rows::MEMBERSHIP)?,
        })
    }

    /// Writes what is handed over until there is no more.
    pub(super) fn write(
        mut self,
        mut handed: Receiver<Handed>,
        mut progress: Progress,
    ) -> Result<Self, Error> {
        while let Some(handed) = handed.blocking_recv() {
            match handed {
                Handed::Groups(groups) => self.groups.add(groups.iter().map(rows::group))?,
                Handed::Page(page) => {
                    self.contacts.add(page.contacts.iter().map(rows::contact))?;
                    let memberships = page.assignments.iter().map(rows::membership);
                    self.memberships.add(memberships)?;
                }
                Handed::Kept => {
                    let before = self.contacts.kept.rows;
                    self.tables().try_for_each(Table::keep)?;
                    let (contacts, memberships) = (self.contacts.rows, self.memberships.rows);
                    progress.advance(contacts - before, contacts + memberships);
                }
                Handed::Void => self.tables().try_for_each(Table::go_back)?,
            }
        }
        progress.finish();
        Ok(self)
    }

    /// Everything was read: the files take their places. What others need comes last, so that
    /// of files that are cut off here nothing goes in unnoticed.
    pub(super) fn place(self, replace: bool) -> Result<(), Error> {
        for table in [self.memberships, self.contacts, self.groups] {
            table.place(replace)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> impl Iterator<Item = &mut Table> {
        [&mut self.groups, &mut self.contacts, &mut self.memberships].into_iter()
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |table: &Table| i64::try_from(table.rows).unwrap_or(i64::MAX);
        let groups = pluralize(rows(&self.groups), "mailing group", "mailing groups");
        let contacts = pluralize(rows(&self.contacts), "contact", "contacts");
        let memberships = pluralize(rows(&self.memberships), "membership", "memberships");
        write!(f, "{groups}, {contacts}, {memberships}")
    }
}

/// A place in a file.
#[derive(Clone, Copy)]
struct Place {
    bytes: u64,
    rows: u64,
}

/// One of the files.
struct Table {
    csv: Writer<NamedTempFile>,
    path: PathBuf,
    rows: u64,
    /// What is before this place stays.
    kept: Place,
}

impl Table {
    fn create(path: PathBuf, columns: &[&str]) -> Result<Self, Error> {
        let unwritable = |it| Error::file("write", path.display(), it);
        let mut csv = Writer::from_writer(temporary::beside(&path).map_err(unwritable)?);
        let written = csv.write_record(columns).map_err(io::Error::from);
        written.map_err(unwritable)?;
        let kept = Place { bytes: 0, rows: 0 };
        let mut table = Self {
            csv,
            path,
            rows: 0,
            kept,
        };
        table.keep()?;
        Ok(table)
    }

    fn add<'r, const N: usize>(
        &mut self,
        records: impl Iterator<Item = [&'r str; N]>,
    ) -> Result<(), Error> {
        for record in records {
            let written = self.csv.write_record(record).map_err(io::Error::from);
            written.map_err(|it| self.unwritable(it))?;
            self.rows += 1;
        }
        Ok(())
    }

    /// What was written stays.
    fn keep(&mut self) -> Result<(), Error> {
        let place = self.csv.flush();
        let place = place.and_then(|()| self.csv.get_ref().as_file().stream_position());
        self.kept = Place {
            bytes: place.map_err(|it| self.unwritable(it))?,
            rows: self.rows,
        };
        Ok(())
    }

    /// Takes away what does not stay.
    fn go_back(&mut self) -> Result<(), Error> {
        let Place { bytes, rows } = self.kept;
        let flushed = self.csv.flush();
        let mut file = self.csv.get_ref().as_file();
        let gone = flushed.and_then(|()| file.set_len(bytes));
        let gone = gone.and_then(|()| file.seek(SeekFrom::Start(bytes)));
        gone.map_err(|it| self.unwritable(it))?;
        self.rows = rows;
        Ok(())
    }

    fn place(self, replace: bool) -> Result<(), Error> {
        let unwritable = |it| Error::file("write", self.path.display(), it);
        let file = self.csv.into_inner();
        let file = file.map_err(|it| unwritable(it.into_error()))?;
        file.as_file().sync_all().map_err(unwritable)?;
        let placed = match replace {
            true => file.persist(&self.path),
            false => file.persist_noclobber(&self.path),
        };
        placed.map(drop).map_err(|it| unwritable(it.error))
    }

    fn unwritable(&self, error: io::Error) -> Error {
        Error::file("write", self.path.display(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_void_is_taken_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.csv");
        let mut table = Table::create(path.clone(), &["a", "b"]).expect("made");
        table.add([["1", "x,y"]].into_iter()).expect("written");
        table.keep().expect("written");
        table
            .add([["2", "long enough"]].into_iter())
            .expect("written");
        table.go_back().expect("taken away");
        table.add([["3", ""]].into_iter()).expect("written");
        assert_eq!(table.rows, 2);
        table.place(false).expect("placed");
        let text = std::fs::read_to_string(&path).expect("there");
        assert_eq!(text, "a,b\n1,\"x,y\"\n3,\n");
    }
}
