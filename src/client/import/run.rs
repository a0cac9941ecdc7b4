//! Opens an input, imports it and reports the result.

use std::{
    marker::PhantomData,
    path::{Path, PathBuf},
};

use super::{
    InputArgs,
    csv_file::CsvFile,
    groups,
    items::ImportItem,
    rejected::RejectedRows,
    report::ImportReport,
    upload::{self, UploadItem, UploadOptions},
};
use crate::{
    client::{Completion, connection::ConnectionArgs, error::Error, interruptible, terminal},
    pb,
};

pub(super) async fn open<T: ImportItem>(
    input: Option<InputArgs>,
) -> Result<Option<OpenImport<T>>, Error> {
    match input {
        Some(input) => input.open().await.map(Some),
        None => Ok(None),
    }
}

impl InputArgs {
    /// Opens the file and checks its header and the destination of rejected rows.
    pub(super) async fn open<T: ImportItem>(&self) -> Result<OpenImport<T>, Error> {
        let (path, delimiter) = (self.file.clone(), self.delimiter);
        let open = move || CsvFile::open(&path, delimiter, T::COLUMNS);
        let file = tokio::task::spawn_blocking(open).await;
        let file = file.expect("opening a file does not panic")?;
        let path = self.rejected.clone();
        let path = path.unwrap_or_else(|| rejected_path(&self.file));
        let columns = file.columns();
        let rejected = RejectedRows::new(&path, self.force, &self.file, delimiter, columns)?;
        Ok(OpenImport {
            file,
            rejected,
            item: PhantomData,
        })
    }
}

/// A checked file that is ready to be imported.
pub(super) struct OpenImport<T> {
    file: CsvFile,
    rejected: RejectedRows,
    item: PhantomData<T>,
}

impl OpenImport<pb::MailingGroup> {
    pub(super) async fn import_groups(
        self,
        connection: &ConnectionArgs,
    ) -> Result<Completion, Error> {
        let mut report = ImportReport::new(self.rejected, self.file.size());
        let channel = connection.open().await?;
        let import = groups::import(channel, connection, self.file, &mut report);
        let result = interruptible(import).await;
        report.finish::<pb::MailingGroup>(result)
    }
}

impl<T: UploadItem> OpenImport<T> {
    pub(super) async fn upload(
        self,
        connection: &ConnectionArgs,
        options: UploadOptions,
    ) -> Result<Completion, Error> {
        let mut report = ImportReport::new(self.rejected, self.file.size());
        let channel = connection.open().await?;
        let id = options.import_id.clone();
        let import = upload::import::<T>(channel, self.file, options, &mut report);
        let result = interruptible(import).await;
        let is_interrupted = matches!(result, Err(Error::Interrupted));
        if result.is_err() && (report.committed() > 0 || is_interrupted) {
            terminal::message(&format!("continue with --import-id {id}"));
        }
        report.finish::<T>(result)
    }
}

/// `contacts.csv` → `contacts.rejected.csv`.
fn rejected_path(file: &Path) -> PathBuf {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_rows_have_a_file_next_to_the_input() {
        for (input, rejected) in [
            ("a/b.csv", "a/b.rejected.csv"),
            ("b.txt", "b.txt.rejected.csv"),
            ("-", "stdin.rejected.csv"),
        ] {
            assert_eq!(rejected_path(Path::new(input)), Path::new(rejected));
        }
    }
}
