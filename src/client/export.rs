//! `export`: all mailing groups, contacts and memberships, in the files that `import` reads.
//!
//! [`stream`] reads the export, [`resume`](super::resume) over as many connections as it takes;
//! [`files`] writes it on a thread of its own, and can go back to where a broken part began, so
//! that nothing is written twice. [`folder`] is the command.

mod files;
mod folder;
mod stream;

use super::{Completion, after_help, error::Error};

const EXAMPLES: &str = "\
Examples, with which a tenant is copied:
  mailing-groups export folder copy --tenant acme
  mailing-groups import folder copy --tenant acme-test";

const FOLDER: &str = "\
Files: mailing_groups.csv, contacts.csv and memberships.csv, as `import folder` reads them

Example:
  mailing-groups export folder copy";

/// The success of every export.
const SUCCESS: &str = "every file is complete";

/// The arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help(EXAMPLES, SUCCESS))]
pub struct ExportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Export all of it: mailing_groups.csv, contacts.csv and memberships.csv in a folder
    ///
    /// The folder is made if it is not there. A contact that is deleted meanwhile is left out.
    #[command(after_help = after_help(FOLDER, SUCCESS))]
    Folder(folder::Folder),
}

impl ExportArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        match self.what {
            What::Folder(it) => it.run().await,
        }
    }
}
