//! `import from`: files of other tools, by a [`mapping`] of their columns.
//!
//! [`open`] finds out which kind of file each one is: [`bound`] has the places of the columns, and
//! [`row`] what a row says. A [`survey`] reads all files once; [`codes`] finds the codes of the
//! groups. [`readers`] make the items, which go the way of every import.

mod bound;
mod open;
mod row;

mod conditions;
mod file_mapping;
mod mapping;
mod rules;
mod values;

mod codes;
mod lists;
mod names;

mod readers;
mod run;
mod summary;
mod survey;

use std::path::PathBuf;

use self::{
    mapping::ImportMapping,
    values::{GroupName, MappedCode},
};
use super::{ImportFlags, UploadFlags};
use crate::client::{Completion, error::Error, terminal};

pub(super) const FROM: &str = "\
Sources: business-central, hubspot, listmonk, mailchimp, or a mapping of your own in TOML.
docs/coming-from.md says how to export the files there, what becomes what, and how to write a mapping.

Examples:
  mailing-groups import from mailchimp subscribed.csv unsubscribed.csv cleaned.csv --dry-run
  mailing-groups import from listmonk newsletter.csv --group Newsletter --code Newsletter=NEWS
  mailing-groups import mapping hubspot > ours.toml
  mailing-groups import from ./ours.toml contacts.csv";

pub(super) const MAPPING: &str = "\
Example:
  mailing-groups import mapping hubspot > ours.toml";

#[derive(Debug, clap::Args)]
pub(super) struct MappedArgs {
    /// The tool that wrote the files, or a mapping
    #[arg(value_name = "SOURCE|FILE.toml")]
    source: String,
    /// CSV files, in any order; - reads stdin
    #[arg(value_name = "FILE.csv", required = true)]
    files: Vec<PathBuf>,
    /// A group that all contacts of the files get, by its name; repeat it for several
    #[arg(long, value_name = "NAME", value_parser = group_name)]
    group: Vec<GroupName>,
    /// Another column whose values are names of groups; repeat it for several
    #[arg(long, value_name = "COLUMN")]
    group_column: Vec<String>,
    /// The code of a group, instead of one that is made of its name; repeat it for several
    #[arg(long, value_name = "NAME=CODE", value_parser = name_and_code)]
    code: Vec<(GroupName, MappedCode)>,
    /// Mark all contacts of the files with `exclude_from_segments`
    #[arg(long)]
    exclude_from_segments: bool,
    #[command(flatten)]
    flags: ImportFlags,
    #[command(flatten)]
    upload: UploadFlags,
}

#[derive(Debug, clap::Args)]
pub(super) struct PrintMappingArgs {
    /// The source
    source: String,
}

impl PrintMappingArgs {
    pub(super) fn run(self) -> Result<Completion, Error> {
        let text = ImportMapping::text_of(&self.source)?;
        terminal::print(text.trim_end())?;
        Ok(Completion::Complete)
    }
}

fn group_name(text: &str) -> Result<GroupName, &'static str> {
    text.to_owned().try_into()
}

fn name_and_code(text: &str) -> Result<(GroupName, MappedCode), String> {
    let parts = text.rsplit_once('=');
    let (name, code) = parts.ok_or("write the name, = and the code, such as Newsletter=NEWS")?;
    Ok((group_name(name)?, code.to_owned().try_into()?))
}
