//! `export folder`: the three files of a folder.

use std::{fs, path::PathBuf, time::Duration};

use tokio::sync::mpsc;

use super::{files::Files, stream::Export};
use crate::{
    client::{
        Completion,
        connection::{ConnectionArgs, TenantChannel},
        error::Error,
        import::FILES,
        progress::Progress,
        resume::{self, Resumable},
        retry::Retry,
        terminal,
    },
    duration,
    pb::{
        CountSegmentMembersRequest, SelectionOptions, contacts_client::ContactsClient,
        count_segment_members_request::Selection, mailing_groups_client::MailingGroupsClient,
    },
};

/// Messages between the connection and the files.
const MESSAGES_AHEAD: usize = 2;

#[derive(Debug, clap::Args)]
pub(super) struct Folder {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Replace files that are there already
    #[arg(long)]
    force: bool,
    /// How long to go on trying to resume without reading anything new; 0 never resumes
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    retry_for: Duration,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Folder {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        self.refuse_to_replace()?;
        let link = self.connection.open().await?;
        let total = self.total(link.clone()).await?;
        let is_new = !self.folder.exists();
        let unusable = |it| Error::file("make", self.folder.display(), it);
        fs::create_dir_all(&self.folder).map_err(unusable)?;
        let outcome = self.export(link, total).await;
        if outcome.is_err() && is_new {
            // It is empty, unless somebody else has put something there.
            let _ = fs::remove_dir(&self.folder);
        }
        outcome
    }

    fn refuse_to_replace(&self) -> Result<(), Error> {
        let mut paths = FILES.iter().map(|name| self.folder.join(name));
        match paths.find(|path| !self.force && path.exists()) {
            None => Ok(()),
            Some(path) => {
                let path = path.display();
                Err(Error::Input(format!(
                    "{path} is there already; --force replaces it"
                )))
            }
        }
    }

    /// How many contacts there are, so that progress can be shown.
    async fn total(&self, link: TenantChannel) -> Result<u64, Error> {
        let request = CountSegmentMembersRequest {
            selection: Some(Selection::Expression("*".to_owned())),
            options: Some(SelectionOptions {
                include_excluded: true,
                include_privacy_blocked: true,
                ..SelectionOptions::default()
            }),
        };
        let mut client = MailingGroupsClient::new(link);
        let counted = client.count_segment_members(self.connection.unary(request));
        Ok(counted.await?.into_inner().member_count.unsigned_abs())
    }

    async fn export(&self, link: TenantChannel, total: u64) -> Result<Completion, Error> {
        let files = Files::create(&self.folder)?;
        let progress = Progress::new(total, "written");
        let (messages, read) = mpsc::channel(MESSAGES_AHEAD);
        let writer = tokio::task::spawn_blocking(move || files.write(read, progress));
        let mut stream = Export::new(ContactsClient::new(link), messages);
        let read = resume::read(&mut stream, &mut Retry::new(self.retry_for)).await;
        let contacts = stream.position();
        drop(stream);
        // A failure to write makes the reader stop as well: it is the cause, so it comes first.
        let files = writer.await.expect("the writer does not panic")?;
        let (summary, attempts) = read?;
        let counts = files.to_string();
        files.place(self.force)?;
        terminal::print(&format!("{counts} at revision {}", summary.revision))?;
        let (deleted, moved) = (summary.deleted_count, summary.revision_moved);
        resume::report(deleted, &contacts, attempts, moved);
        Ok(Completion::Complete)
    }
}
