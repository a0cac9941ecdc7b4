//! `import`: groups, contacts and memberships from CSV files.
//!
//! The way of a row: [`source`] makes any input a file of known size; [`columns`] checks its
//! header before a connection is opened; [`rows`] reads it on a thread of its own, with line
//! numbers from [`lines`], into batches of messages made by [`items`]. [`groups`] or, for the
//! streaming imports, [`upload`] sends them, a bounded number at a time. What comes back goes to
//! the [`journal`]: [`rejects`] to a file (by [`order`] in the order of the rows), progress to
//! stderr, and at the end the [`report`] to stdout. [`folder`] does it for all three files.

mod columns;
mod folder;
mod groups;
mod items;
mod journal;
mod ledger;
mod lines;
mod order;
mod rejects;
mod report;
mod rows;
mod source;
mod upload;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub(super) use folder::FILES;
use items::Item;
use journal::Journal;
use rejects::Rejects;
use report::Tally;
use source::Table;

use super::{
    Completion, after_help, connection::ConnectionArgs, error::Error, retry::Retry, terminal,
};
use crate::{duration, pb};

/// Rows that are committed together, unless the caller says otherwise.
const CHUNK: u16 = 5_000;

const EXAMPLES: &str = "\
Examples, all at once, or one by one in this order, as memberships need groups and contacts:
  mailing-groups import folder examples
  mailing-groups import groups examples/mailing_groups.csv
  mailing-groups import contacts examples/contacts.csv
  mailing-groups import memberships examples/memberships.csv
  zcat contacts.csv.gz | mailing-groups import contacts -";

const GROUPS: &str = "\
Columns: code, description

Example:
  mailing-groups import groups examples/mailing_groups.csv";

const CONTACTS: &str = "\
Columns: id, kind, name; optional: company_id, email, exclude_from_segments, privacy_blocked
  kind is COMPANY or PERSON; flags are true/false, yes/no or 1/0, and empty means false

Example:
  mailing-groups import contacts examples/contacts.csv --delimiter ';'";

const FOLDER: &str = "\
Files, in this order: mailing_groups.csv, contacts.csv, memberships.csv; each has the columns that
the help of its own command names, separated by commas

Example:
  mailing-groups import folder examples";

const MEMBERSHIPS: &str = "\
Columns: contact_id, code

Example:
  mailing-groups import memberships examples/memberships.csv --rejected /tmp/not-in.csv";

/// The end of the help of every import.
fn after_import_help(examples: &str) -> String {
    let help = after_help(examples, "every row was imported");
    format!("{help}\n  3  the import is complete, but some rows were rejected")
}

/// The arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_import_help(EXAMPLES))]
pub struct ImportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Import mailing groups: code, description
    ///
    /// A group whose code is taken gets the description that the file gives.
    #[command(after_help = after_import_help(GROUPS))]
    Groups(Input),
    /// Import contacts: id, kind, name, company_id, email, ...
    ///
    /// A contact whose id is taken is replaced as a whole. Companies are sent before persons,
    /// wherever they stand in the file.
    #[command(after_help = after_import_help(CONTACTS))]
    Contacts(Upload),
    /// Import memberships: contact_id, code
    ///
    /// Contacts and groups must be there already. A membership that is there already stays.
    #[command(after_help = after_import_help(MEMBERSHIPS))]
    Memberships(Upload),
    /// Import all of it: mailing_groups.csv, contacts.csv and memberships.csv of a folder
    ///
    /// A file that is not there is left out.
    #[command(after_help = after_import_help(FOLDER))]
    Folder(folder::Folder),
}

#[derive(Debug, clap::Args)]
struct Input {
    /// The CSV file, in UTF-8; - reads stdin
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// What separates the columns: one character, or `tab`
    #[arg(long, value_name = "CHAR", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// Where rejected rows go [default: FILE.rejected.csv; only there if there are any]
    #[arg(long, value_name = "PATH")]
    rejected: Option<PathBuf>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Debug, clap::Args)]
struct Upload {
    #[command(flatten)]
    input: Input,
    /// Rows that are committed together
    #[arg(long, value_name = "N", default_value_t = CHUNK,
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    chunk: u16,
    #[command(flatten)]
    resume: Resume,
}

/// How an import goes on when it is interrupted.
#[derive(Debug, clap::Args)]
struct Resume {
    /// Name of the import: give the same one again, with the same file, to continue a run that
    /// ended early; it is known for 7 days [default: a random one, which a failure names]
    #[arg(long, value_name = "ID")]
    import_id: Option<String>,
    /// How long to go on trying to continue without anything new committed; 0 never tries
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    retry_for: Duration,
}

impl Default for Resume {
    fn default() -> Self {
        Self {
            import_id: None,
            retry_for: Duration::from_secs(60),
        }
    }
}

impl ImportArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        match self.what {
            What::Groups(it) => it.groups().await,
            What::Contacts(it) => it.run::<pb::Contact>().await,
            What::Memberships(it) => it.run::<pb::Assignment>().await,
            What::Folder(it) => it.run().await,
        }
    }
}

impl Upload {
    async fn run<T: upload::Upload>(self) -> Result<Completion, Error> {
        let (table, mut journal) = self.input.open::<T>().await?;
        let link = self.input.connection.open().await?;
        let id = self.resume.import_id;
        let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let plan = upload::Plan {
            id: id.clone(),
            chunk: self.chunk.into(),
            retry: Retry::new(self.resume.retry_for),
        };
        let tally = upload::import::<T>(link, table, plan, &mut journal).await;
        if tally.is_err() && journal.committed() > 0 {
            terminal::message(&format!("continue with --import-id {id}"));
        }
        finish::<T>(tally, journal)
    }
}

impl Input {
    /// Imports groups.
    async fn groups(self) -> Result<Completion, Error> {
        let (table, mut journal) = self.open::<pb::MailingGroup>().await?;
        let link = self.connection.open().await?;
        let tally = groups::import(link, &self.connection, table, &mut journal).await;
        finish::<pb::MailingGroup>(tally, journal)
    }

    /// Opens the file, checks its header and gets ready to write down what becomes of its rows.
    async fn open<T: Item>(&self) -> Result<(Table, Journal), Error> {
        let (file, delimiter) = (self.file.clone(), self.delimiter);
        let table = tokio::task::spawn_blocking(move || Table::open(&file, delimiter, T::COLUMNS))
            .await
            .expect("opening a file does not panic")?;
        let path = self.rejected.clone().unwrap_or_else(|| beside(&self.file));
        let rejects = Rejects::new(path, &self.file, delimiter, table.columns())?;
        let journal = Journal::new(rejects, table.size());
        Ok((table, journal))
    }
}

/// `contacts.csv` → `contacts.rejected.csv`.
fn beside(file: &Path) -> PathBuf {
    match file.to_str() {
        Some("-") => PathBuf::from("stdin.rejected.csv"),
        _ if file.extension().is_some_and(|it| it == "csv") => file.with_extension("rejected.csv"),
        _ => {
            let mut name = file.as_os_str().to_owned();
            name.push(".rejected.csv");
            name.into()
        }
    }
}

fn finish<T: Item>(tally: Result<Tally, Error>, journal: Journal) -> Result<Completion, Error> {
    let committed = journal.committed();
    let (report, outcome) = journal.finish()?;
    match tally {
        Ok(tally) => {
            terminal::print(&report.text(&tally, T::NOUN, T::CREATED))?;
            Ok(outcome)
        }
        // Refused as a whole, such as for the name of the tenant.
        Err(cause) if committed == 0 && !cause.is_transient() => Err(cause),
        Err(cause) => {
            report.rejects().iter().for_each(|it| terminal::message(it));
            let cause = Box::new(cause);
            Err(Error::ImportAborted { committed, cause })
        }
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => Ok(*byte),
        _ => Err("write one ASCII character other than a quote, or `tab`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_lie_beside_the_file() {
        assert_eq!(beside(Path::new("a/b.csv")), Path::new("a/b.rejected.csv"));
        assert_eq!(beside(Path::new("b.txt")), Path::new("b.txt.rejected.csv"));
        assert_eq!(beside(Path::new("-")), Path::new("stdin.rejected.csv"));
    }

    #[test]
    fn a_delimiter_is_one_character() {
        assert_eq!(delimiter(";"), Ok(b';'));
        assert_eq!(delimiter("tab"), Ok(b'\t'));
        assert!(delimiter("\"").is_err() && delimiter("").is_err() && delimiter("é").is_err());
    }
}
