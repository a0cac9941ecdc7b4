//! `import`: groups, contacts and memberships from CSV files.
//!
//! [`run`] is an import, [`folder`] several; [`mapped`] is one from files of other tools.
//! [`csv_file`] reads any [`input`] as [`records`], and
//! [`columns`] checks its header before a connection is opened. [`batches`] reads rows on a blocking
//! thread into batches of [`items`], and notes [`duplicates`]. [`groups`] or, for the streaming
//! imports, [`upload`] sends them, a bounded number at a time. Results go to the [`report`], which
//! writes rows that were [`rejected`] to a file.

mod folder;
mod mapped;
mod run;

mod groups;
mod upload;

mod batches;
mod columns;
mod csv_file;
mod csv_rows;
mod duplicates;
mod input;
mod items;
mod records;

mod rejected;
mod rejections;
mod report;

use std::path::PathBuf;

use encoding_rs::Encoding;

pub(super) use self::{batches::ImportBatch, run::read_memberships};
use self::{
    csv_file::CsvFormat,
    mapped::{FROM, MAPPING, MappedArgs, PrintMappingArgs},
    upload::UploadItem,
};
use super::{Completion, after_help, connection::ConnectionArgs, error::Error, retry::RetryArgs};
use crate::{model::MAX_BATCH_ITEMS, pb};

/// The files of a folder, in the order of their dependencies.
pub(super) const FILES: [&str; 3] = ["mailing_groups.csv", "contacts.csv", "memberships.csv"];

const EXAMPLES: &str = "\
Examples, all at once, or one by one in this order, as memberships need groups and contacts:
  mailing-groups import folder examples
  mailing-groups import groups examples/mailing_groups.csv
  mailing-groups import contacts examples/contacts.csv
  mailing-groups import memberships examples/memberships.csv
  zcat contacts.csv.gz | mailing-groups import contacts -";

const GROUPS: &str = "\
Columns: code, and description. Without a description that of an existing group stays

Example:
  mailing-groups import groups examples/mailing_groups.csv";

const CONTACTS: &str = "\
Columns: id, and any of kind, name, company_id, email, exclude_from_segments, privacy_blocked,
  attributes.KEY and attributes
  kind is COMPANY or PERSON; new contacts need kind and name. The two after email are flags:
  true/false, yes/no or 1/0; an empty one stays as it is, and is false for a new contact. The column
  attributes.territory sets the attribute territory; an empty cell removes it. The column attributes
  has a JSON object, as exports have, which replaces all attributes

Examples:
  mailing-groups import contacts examples/contacts.csv --dry-run
  mailing-groups import contacts new_addresses.csv --delimiter ';'";

const FOLDER: &str = "\
Files, in this order: mailing_groups.csv, contacts.csv, memberships.csv; each has the columns that
the help of its own command names. A dry run checks memberships with the groups and contacts that
exist already.

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
    /// An existing group gets the description of the file, if there is one.
    #[command(after_help = after_import_help(GROUPS))]
    Groups(FileArgs),
    /// Import contacts: id, kind, name, company_id, email, ...
    ///
    /// Of an existing contact, the columns of the file are replaced; others stay as they are.
    /// Companies are sent before persons, wherever they stand in the file. If rows with the same id
    /// differ, the last one counts, and the summary names them.
    #[command(after_help = after_import_help(CONTACTS))]
    Contacts(UploadArgs),
    /// Import memberships: contact_id, code
    ///
    /// Contacts and groups must exist. Existing memberships are left unchanged.
    #[command(after_help = after_import_help(MEMBERSHIPS))]
    Memberships(UploadArgs),
    /// Import mailing_groups.csv, contacts.csv and memberships.csv of a folder
    ///
    /// Missing files are skipped, with a note. All files are opened before anything is sent.
    #[command(after_help = after_import_help(FOLDER))]
    Folder(FolderArgs),
    /// Import files that another tool exported: Business Central, HubSpot, listmonk, Mailchimp, ...
    ///
    /// Finds contacts, companies, groups and memberships in their columns, makes codes of the names
    /// of lists and tags, and marks contacts that unsubscribed. Says first what is made of what, and
    /// which columns are not imported. An import never clears a mark, unless a mapping says so.
    // Many write `import --from SOURCE`; see `client::arguments`.
    #[command(long_flag_alias = "from", after_help = after_import_help(FROM))]
    From(Box<MappedArgs>),
    /// Print the mapping of a source, to start your own from
    #[command(after_help = after_help(MAPPING, "the mapping was printed"))]
    Mapping(PrintMappingArgs),
}

/// How the text of a file is read.
#[derive(Debug, clap::Args)]
pub(super) struct CsvFormatArgs {
    /// The separator of the columns: one character, or `tab` [default: a comma; `import from` finds
    /// it]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The encoding, such as windows-1252. A byte order mark, as in UTF-16 of Excel, says it anyway
    /// [default: utf-8]
    #[arg(long, value_name = "NAME", value_parser = input::encoding)]
    encoding: Option<&'static Encoding>,
}

impl CsvFormatArgs {
    fn format(&self) -> CsvFormat {
        CsvFormat {
            delimiter: self.delimiter,
            encoding: self.encoding,
        }
    }
}

/// The flags of every import.
#[derive(Debug, clap::Args)]
struct ImportFlags {
    #[command(flatten)]
    csv: CsvFormatArgs,
    /// Where rejected rows are written: a file, for `import folder` and `import from` a folder; -
    /// writes to stdout
    /// [default: FILE.rejected.csv next to the input; created only if rows are rejected]
    #[arg(long, value_name = "PATH")]
    rejected: Option<PathBuf>,
    /// Replace files for rejected rows even if they hold something else
    #[arg(long)]
    force: bool,
    /// Change nothing: only count what would happen. Rejected rows are written only with --rejected
    #[arg(long)]
    dry_run: bool,
    /// How the summary is printed
    #[arg(long, value_enum, default_value = "text")]
    format: SummaryFormat,
    /// Let new groups and contacts take the codes that others had before a rename, and the ids of
    /// merged contacts
    #[arg(long)]
    reuse_former: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// How the summary of an import is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SummaryFormat {
    /// A sentence, and lines about what else there is to know
    Text,
    /// One JSON object; the lines go to stderr
    Json,
}

/// The flags of the streaming imports.
#[derive(Debug, clap::Args)]
struct UploadFlags {
    /// Rows that are committed together
    #[arg(long, value_name = "N", default_value_t = 5_000,
          value_parser = clap::value_parser!(u16).range(1..=MAX_BATCH_ITEMS as i64))]
    chunk: u16,
    /// Name of the import. Pass it again with the same file to continue a run that ended early; it
    /// is kept for 7 days [default: a random one, which a failure prints]
    #[arg(long, value_name = "ID")]
    import_id: Option<String>,
    #[command(flatten)]
    retry: RetryArgs,
}

#[derive(Debug, clap::Args)]
struct FileArgs {
    /// The CSV file; - reads stdin
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    #[command(flatten)]
    flags: ImportFlags,
}

#[derive(Debug, clap::Args)]
struct UploadArgs {
    #[command(flatten)]
    input: FileArgs,
    #[command(flatten)]
    upload: UploadFlags,
}

#[derive(Debug, clap::Args)]
struct FolderArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    flags: ImportFlags,
    #[command(flatten)]
    upload: UploadFlags,
}

impl ImportArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        match self.command {
            ImportCommand::Groups(FileArgs { file, flags }) => {
                let import = flags.open(&file, flags.rejected.clone()).await?;
                import.import_groups(&flags).await
            }
            ImportCommand::Contacts(it) => it.run::<pb::Contact>().await,
            ImportCommand::Memberships(it) => it.run::<pb::Assignment>().await,
            ImportCommand::Folder(it) => it.run().await,
            ImportCommand::From(it) => it.run().await,
            ImportCommand::Mapping(it) => it.run(),
        }
    }
}

impl UploadArgs {
    async fn run<T: UploadItem>(self) -> Result<Completion, Error> {
        let FileArgs { file, flags } = self.input;
        let import = flags.open::<T>(&file, flags.rejected.clone()).await?;
        let id = self.upload.id();
        import.upload(&flags, &self.upload, &id, "").await
    }
}

impl UploadFlags {
    fn id(&self) -> String {
        let id = self.import_id.clone();
        id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
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
    fn a_delimiter_is_one_character() {
        assert_eq!(delimiter(";"), Ok(b';'));
        assert_eq!(delimiter("tab"), Ok(b'\t'));
        assert!(delimiter("\"").is_err() && delimiter("").is_err() && delimiter("é").is_err());
    }
}
