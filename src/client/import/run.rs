//! Opens an input, imports it and reports the result.

use std::{
    marker::PhantomData,
    path::{Path, PathBuf},
};

use prost_types::FieldMask;
use tokio::sync::mpsc;

use super::{
    ImportFlags, UploadFlags,
    batches::{self, ImportBatch},
    csv_file::CsvFile,
    groups,
    items::ImportItem,
    rejected::RejectedRows,
    report::ImportReport,
    upload::{self, ImportStart, UploadItem},
};
use crate::{
    client::{Completion, error::Error, interruptible, retry::Retry, terminal},
    pb,
};

impl ImportFlags {
    /// Opens a file and checks its header and the destination of rejected rows.
    pub(super) async fn open<T: ImportItem>(
        &self,
        path: &Path,
        rejected: Option<PathBuf>,
    ) -> Result<OpenImport<T>, Error> {
        let delimiter = self.delimiter;
        let file = open_file::<T>(path, delimiter).await?;
        let rejected = rejected.or_else(|| (!self.dry_run).then(|| rejected_path(path)));
        let columns = file.columns();
        let rejected = RejectedRows::new(rejected.as_deref(), self.force, path, delimiter, columns);
        Ok(OpenImport {
            report: ImportReport::new(rejected?, file.size(), self.dry_run, self.format),
            file,
            item: PhantomData,
        })
    }
}

/// Opens a file and checks its header.
async fn open_file<T: ImportItem>(path: &Path, delimiter: u8) -> Result<CsvFile, Error> {
    let input = path.to_owned();
    let open = move || CsvFile::open(&input, delimiter, T::COLUMNS);
    let file = tokio::task::spawn_blocking(open).await;
    file.expect("opening a file does not panic")
}

/// Opens a file of memberships, and reads it in batches of at most `limit` rows.
pub(in crate::client) async fn read_memberships(
    path: &Path,
    delimiter: u8,
    limit: usize,
) -> Result<mpsc::Receiver<Result<ImportBatch<pb::Assignment>, Error>>, Error> {
    let file = open_file::<pb::Assignment>(path, delimiter).await?;
    Ok(batches::read(file, limit))
}

/// A checked file that is ready to be imported.
pub(super) struct OpenImport<T> {
    file: CsvFile,
    report: ImportReport,
    item: PhantomData<T>,
}

impl OpenImport<pb::MailingGroup> {
    pub(super) async fn import_groups(mut self, flags: &ImportFlags) -> Result<Completion, Error> {
        let import = async {
            let channel = flags.connection.open().await?;
            groups::import(channel, flags, self.file, &mut self.report).await
        };
        let result = interruptible(import).await;
        self.report.finish::<pb::MailingGroup>(result)
    }
}

impl<T: UploadItem> OpenImport<T> {
    /// `suffix` distinguishes the imports of a folder, which has one id.
    pub(super) async fn upload(
        mut self,
        flags: &ImportFlags,
        upload: &UploadFlags,
        id: &str,
        suffix: &str,
    ) -> Result<Completion, Error> {
        let start = ImportStart {
            import_id: format!("{id}{suffix}"),
            known_count: 0,
            fingerprint: self.file.fingerprint().to_owned(),
            update_mask: Some(FieldMask {
                paths: self.file.columns().after_key(T::COLUMNS),
            }),
            validate_only: flags.dry_run,
            reuse_former: flags.reuse_former,
        };
        // A dry run leaves nothing that could be continued.
        let retry = match flags.dry_run {
            true => Retry::never(),
            false => upload.retry.retry(),
        };
        let import = async {
            let channel = flags.connection.open().await?;
            let chunk = upload.chunk.into();
            upload::import::<T>(channel, self.file, start, chunk, retry, &mut self.report).await
        };
        let result = interruptible(import).await;
        let is_interrupted = matches!(result, Err(Error::Interrupted));
        if result.is_err() && !flags.dry_run && (self.report.committed() > 0 || is_interrupted) {
            terminal::message(&format!("continue with --import-id {id}"));
        }
        self.report.finish::<T>(result)
    }
}

/// `contacts.csv` → `contacts.rejected.csv`.
fn rejected_path(file: &Path) -> PathBuf {
    match file.to_str() {
        Some("-") => PathBuf::from("stdin.rejected.csv"),
        // What a shell makes of `<(…)`: there can be no file beside it.
        Some(name) if name.starts_with("/dev/") || name.starts_with("/proc/") => {
            PathBuf::from("stdin.rejected.csv")
        }
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
            ("/dev/fd/63", "stdin.rejected.csv"),
        ] {
            assert_eq!(rejected_path(Path::new(input)), Path::new(rejected));
        }
    }
}
