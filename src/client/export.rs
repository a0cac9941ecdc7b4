//! `export`: all mailing groups, contacts and memberships, in the files that `import` reads.
//!
//! [`stream`] reads the export, over as many connections as it takes. [`files`] writes it on a
//! blocking thread, and discards an incomplete part when the stream is resumed, so that nothing is
//! written twice.

mod files;
mod stream;

use std::{fs, path::PathBuf};

use tokio::sync::mpsc;

use self::{files::ExportFiles, stream::ExportStream};
use super::{
    Completion, after_help,
    connection::{ConnectionArgs, TenantChannel},
    error::Error,
    import::FILES,
    interruptible,
    progress::Progress,
    resume::{self, Resumable},
    retry::RetryArgs,
    terminal,
};
use crate::pb::{
    CountSegmentMembersRequest, Selection, SelectionOptions, contacts_client::ContactsClient,
    mailing_groups_client::MailingGroupsClient,
};

/// Messages read ahead of the files.
const MESSAGES_AHEAD: usize = 2;

const EXAMPLES: &str = "\
Examples, with which a tenant is copied:
  mailing-groups export folder copy --tenant acme
  mailing-groups import folder copy --tenant acme-test";

const FOLDER: &str = "\
Files: mailing_groups.csv, contacts.csv and memberships.csv, as `import folder` reads them

Example:
  mailing-groups export folder copy";

const SUCCESS: &str = "every file is complete";

/// The arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help(EXAMPLES, SUCCESS))]
pub struct ExportArgs {
    #[command(subcommand)]
    command: ExportCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ExportCommand {
    /// Export mailing_groups.csv, contacts.csv and memberships.csv to a folder
    ///
    /// The folder is created if it does not exist. Contacts deleted during the export are left out.
    #[command(after_help = after_help(FOLDER, SUCCESS))]
    Folder(ExportFolderArgs),
}

impl ExportArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        match self.command {
            ExportCommand::Folder(it) => it.run().await,
        }
    }
}

#[derive(Debug, clap::Args)]
struct ExportFolderArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Replace existing files
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    retry: RetryArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ExportFolderArgs {
    async fn run(self) -> Result<Completion, Error> {
        self.refuse_to_replace()?;
        let channel = self.connection.open().await?;
        let total = self.total(channel.clone()).await?;
        let missing = self.folder.ancestors();
        let missing = missing.take_while(|it| !it.as_os_str().is_empty() && !it.exists());
        let new: Vec<_> = missing.collect();
        let unusable = |it| Error::file("create", self.folder.display(), it);
        fs::create_dir_all(&self.folder).map_err(unusable)?;
        let result = self.export(channel, total).await;
        if result.is_err() {
            // Fails if another program has created files in them.
            new.iter().for_each(|it| drop(fs::remove_dir(it)));
        }
        result
    }

    fn refuse_to_replace(&self) -> Result<(), Error> {
        let mut paths = FILES.iter().map(|name| self.folder.join(name));
        match paths.find(|path| !self.force && path.exists()) {
            None => Ok(()),
            Some(path) => {
                let path = path.display();
                Err(Error::Input(format!(
                    "{path} already exists; use --force to replace it"
                )))
            }
        }
    }

    /// The number of contacts, to show progress.
    async fn total(&self, channel: TenantChannel) -> Result<u64, Error> {
        let everybody = SelectionOptions {
            include_excluded: true,
            include_privacy_blocked: true,
            ..SelectionOptions::default()
        };
        let request = CountSegmentMembersRequest {
            selection: Some(Selection::of_expression("*", everybody)),
        };
        let mut client = MailingGroupsClient::new(channel);
        let counted = client.count_segment_members(self.connection.unary(request));
        Ok(counted.await?.into_inner().member_count.unsigned_abs())
    }

    async fn export(&self, channel: TenantChannel, total: u64) -> Result<Completion, Error> {
        let files = ExportFiles::create(&self.folder)?;
        let progress = Progress::new(total, "written");
        let (events, receiver) = mpsc::channel(MESSAGES_AHEAD);
        let writer = tokio::task::spawn_blocking(move || files.write(receiver, progress));
        let mut stream = ExportStream::new(ContactsClient::new(channel), events);
        let mut retry = self.retry.retry();
        let read = interruptible(resume::read(&mut stream, &mut retry)).await;
        let contacts = stream.position();
        drop(stream);
        // An error of the writer also ends the stream: it is the cause, so it is reported first.
        let files = writer.await.expect("the writer does not panic")?;
        let (summary, attempts) = read?;
        let counts = files.to_string();
        files.persist(self.force)?;
        terminal::print(&format!("{counts} at revision {}", summary.revision))?;
        let (deleted, moved) = (summary.deleted_count, summary.revision_moved);
        resume::report(deleted, &contacts, attempts, moved);
        Ok(Completion::Complete)
    }
}
