//! `import`: groups, contacts and memberships from CSV files.
//!
//! [`run`] is an import: [`csv_file`] gives any input a known size, and [`columns`] checks its header before a connection
//! is opened. [`batches`] reads rows on a blocking thread into batches of [`items`]. [`groups`] or,
//! for the streaming imports, [`upload`] sends them, a bounded number at a time. Results go to the
//! [`report`], which writes rows that were [`rejected`] to a file.

mod run;

mod groups;
mod upload;

mod batches;
mod columns;
mod csv_file;
mod input;
mod items;
mod records;

mod rejected;
mod report;

use std::path::PathBuf;

use self::{
    run::open,
    upload::{UploadItem, UploadOptions},
};
use super::{Completion, after_help, connection::ConnectionArgs, error::Error, retry::RetryArgs};
use crate::pb;

/// The files of a folder, in the order of their dependencies.
pub(super) const FILES: [&str; 3] = ["mailing_groups.csv", "contacts.csv", "memberships.csv"];

/// The default number of rows that are committed together.
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
  mailing-groups import memberships examples/memberships.csv --rejected /tmp/rejected.csv";

/// The end of the help of every import.
fn after_import_help(examples: &str) -> String {
    let help = after_help(examples, "every row was imported");
    format!(
        "{help}\n  3  the import is complete, but some rows were rejected\n  \
         130  interrupted with Ctrl-C"
    )
}

/// The arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_import_help(EXAMPLES))]
pub struct ImportArgs {
    #[command(subcommand)]
    command: ImportCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ImportCommand {
    /// Import mailing groups: code, description
    ///
    /// An existing group gets the description of the file.
    #[command(after_help = after_import_help(GROUPS))]
    Groups(InputArgs),
    /// Import contacts: id, kind, name, company_id, email, ...
    ///
    /// An existing contact is replaced as a whole. Companies are sent before persons, wherever they
    /// stand in the file.
    #[command(after_help = after_import_help(CONTACTS))]
    Contacts(UploadArgs),
    /// Import memberships: contact_id, code
    ///
    /// Contacts and groups must exist. Existing memberships are left unchanged.
    #[command(after_help = after_import_help(MEMBERSHIPS))]
    Memberships(UploadArgs),
    /// Import mailing_groups.csv, contacts.csv and memberships.csv of a folder
    ///
    /// Missing files are skipped.
    #[command(after_help = after_import_help(FOLDER))]
    Folder(FolderArgs),
}

#[derive(Debug, clap::Args)]
struct InputArgs {
    /// The CSV file, in UTF-8; - reads stdin
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// The separator of the columns: one character, or `tab`
    #[arg(long, value_name = "CHAR", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// The file for rejected rows; - writes to stdout [default: FILE.rejected.csv; created only if
    /// rows are rejected]
    #[arg(long, value_name = "PATH")]
    rejected: Option<PathBuf>,
    /// Replace the file for rejected rows even if it holds something else
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Debug, clap::Args)]
struct UploadArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Rows that are committed together
    #[arg(long, value_name = "N", default_value_t = CHUNK,
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    chunk: u16,
    /// Name of the import. Pass it again with the same file to continue a run that ended early; it
    /// is kept for 7 days [default: a random one, which a failure prints]
    #[arg(long, value_name = "ID")]
    import_id: Option<String>,
    #[command(flatten)]
    retry: RetryArgs,
}

#[derive(Debug, clap::Args)]
struct FolderArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Replace the files for rejected rows even if they hold something else
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    retry: RetryArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ImportArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        match self.command {
            ImportCommand::Groups(it) => it.open().await?.import_groups(&it.connection).await,
            ImportCommand::Contacts(it) => it.run::<pb::Contact>().await,
            ImportCommand::Memberships(it) => it.run::<pb::Assignment>().await,
            ImportCommand::Folder(it) => it.run().await,
        }
    }
}

impl UploadArgs {
    async fn run<T: UploadItem>(self) -> Result<Completion, Error> {
        let import = self.input.open::<T>().await?;
        let options = UploadOptions {
            import_id: self.import_id.unwrap_or_else(random_id),
            chunk: self.chunk.into(),
            retry: self.retry.retry(),
        };
        import.upload(&self.input.connection, options).await
    }
}

impl FolderArgs {
    /// Opens all files before it imports the first, so that nothing is sent if one is unusable.
    async fn run(self) -> Result<Completion, Error> {
        let [groups, contacts, memberships] = FILES.map(|name| self.input(name));
        if groups.is_none() && contacts.is_none() && memberships.is_none() {
            let (folder, files) = (self.folder.display(), FILES.join(", "));
            return Err(Error::Input(format!("{folder} contains none of {files}")));
        }
        let groups = open::<pb::MailingGroup>(groups).await?;
        let contacts = open::<pb::Contact>(contacts).await?;
        let memberships = open::<pb::Assignment>(memberships).await?;
        let mut completion = Completion::Complete;
        if let Some(it) = groups {
            completion = completion.and(it.import_groups(&self.connection).await?);
        }
        if let Some(it) = contacts {
            completion = completion.and(it.upload(&self.connection, self.options()).await?);
        }
        if let Some(it) = memberships {
            completion = completion.and(it.upload(&self.connection, self.options()).await?);
        }
        Ok(completion)
    }

    /// A file of the folder, if it exists.
    fn input(&self, name: &str) -> Option<InputArgs> {
        let file = self.folder.join(name);
        file.exists().then(|| InputArgs {
            file,
            delimiter: b',',
            rejected: None,
            force: self.force,
            connection: self.connection.clone(),
        })
    }

    fn options(&self) -> UploadOptions {
        UploadOptions {
            import_id: random_id(),
            chunk: CHUNK.into(),
            retry: self.retry.retry(),
        }
    }
}

fn random_id() -> String {
    uuid::Uuid::new_v4().to_string()
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
    fn a_delimiter_is_one_character() {
        assert_eq!(delimiter(";"), Ok(b';'));
        assert_eq!(delimiter("tab"), Ok(b'\t'));
        assert!(delimiter("\"").is_err() && delimiter("").is_err() && delimiter("é").is_err());
    }
}
