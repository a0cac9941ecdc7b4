//! The import of a folder: its files one after another, in the order of their dependencies.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{FILES, FolderArgs, items::ImportItem, run::OpenImport};
use crate::{
    client::{
        Completion,
        error::Error,
        terminal::{self, excerpt, list},
    },
    pb,
};

impl FolderArgs {
    /// Opens all files before it imports the first, so that nothing is sent if one is unusable.
    pub(super) async fn run(self) -> Result<Completion, Error> {
        self.check_files()?;
        let [groups, contacts, memberships] = FILES;
        let groups = self.open::<pb::MailingGroup>(groups).await?;
        let contacts = self.open::<pb::Contact>(contacts).await?;
        let memberships = self.open::<pb::Assignment>(memberships).await?;
        let id = self.upload.id();
        let mut completion = Completion::Complete;
        if let Some(it) = groups {
            completion = completion.and(it.import_groups(&self.flags).await?);
        }
        if let Some(it) = contacts {
            let imported = it.upload(&self.flags, &self.upload, &id, ".contacts");
            completion = completion.and(imported.await?);
        }
        if let Some(it) = memberships {
            let imported = it.upload(&self.flags, &self.upload, &id, ".memberships");
            completion = completion.and(imported.await?);
        }
        Ok(completion)
    }

    /// Opens a file of the folder, if it exists.
    async fn open<T: ImportItem>(&self, name: &str) -> Result<Option<OpenImport<T>>, Error> {
        match self.path(name) {
            Some(path) => {
                let rejected = self.rejected(&path);
                self.flags.open(&path, rejected).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// Where rejected rows of a file go, if the flags say so.
    fn rejected(&self, file: &Path) -> Option<PathBuf> {
        let rejected = self.flags.rejected.as_deref()?;
        Some(match rejected == Path::new("-") {
            true => rejected.to_owned(),
            false => rejected.join(file.with_extension("rejected.csv").file_name()?),
        })
    }

    /// The path of a file that exists, even if it cannot be read.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let path = self.folder.join(name);
        path.symlink_metadata().is_ok().then_some(path)
    }

    /// Says which files are missing, and what there is instead.
    fn check_files(&self) -> Result<(), Error> {
        let folder = self.folder.display();
        let others = self.others();
        let others = others.map_err(|it| Error::file("read", folder.to_string(), it))?;
        let found = match others.is_empty() {
            true => String::new(),
            false => format!("; found {}", list(others.iter().map(String::as_str))),
        };
        let missing = FILES.iter().filter(|name| self.path(name).is_none());
        let missing: Vec<_> = missing.copied().collect();
        if missing.len() == FILES.len() {
            let files = FILES.join(", ");
            return Err(Error::Input(format!(
                "{folder} contains none of {files}{found}"
            )));
        }
        for name in missing {
            terminal::message(&format!("no {name} in {folder}{found}"));
        }
        self.flags.check_rejected_folder()
    }

    /// CSV files with other names than those that are imported.
    fn others(&self) -> io::Result<Vec<String>> {
        let mut others = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let lower = name.to_lowercase();
            let is_csv = lower.ends_with(".csv") && !lower.ends_with(".rejected.csv");
            if is_csv && !FILES.contains(&name.as_str()) {
                others.push(excerpt(&name));
            }
        }
        others.sort();
        Ok(others)
    }
}
