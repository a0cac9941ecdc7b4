//! `import folder`: the three files of a folder, one after the other.

use std::path::PathBuf;

use super::{CHUNK, Input, Resume, Upload};
use crate::{
    client::{Completion, connection::ConnectionArgs, error::Error},
    pb,
};

/// The files, in an order in which each finds what it needs.
pub(in crate::client) const FILES: [&str; 3] =
    ["mailing_groups.csv", "contacts.csv", "memberships.csv"];

#[derive(Debug, clap::Args)]
pub(super) struct Folder {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Folder {
    /// Imports what is there; the first failure ends it, rejected rows do not.
    pub(super) async fn run(self) -> Result<Completion, Error> {
        let [groups, contacts, memberships] = FILES.map(|name| self.input(name));
        if [&groups, &contacts, &memberships]
            .iter()
            .all(|it| it.is_none())
        {
            let (folder, files) = (self.folder.display(), FILES.join(", "));
            return Err(Error::Input(format!("{folder} holds none of {files}")));
        }
        let mut outcome = Completion::Complete;
        if let Some(it) = groups {
            outcome = outcome.and(it.groups().await?);
        }
        if let Some(it) = contacts {
            outcome = outcome.and(upload(it).run::<pb::Contact>().await?);
        }
        if let Some(it) = memberships {
            outcome = outcome.and(upload(it).run::<pb::Assignment>().await?);
        }
        Ok(outcome)
    }

    /// A file of the folder, if it is there.
    fn input(&self, name: &str) -> Option<Input> {
        let file = self.folder.join(name);
        file.exists().then(|| Input {
            file,
            delimiter: b',',
            rejected: None,
            connection: self.connection.clone(),
        })
    }
}

fn upload(input: Input) -> Upload {
    Upload {
        input,
        chunk: CHUNK,
        resume: Resume::default(),
    }
}
