//! Opens an input, imports it and reports the result.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use prost_types::FieldMask;
use tokio::sync::mpsc;

use super::{
    CsvFormatArgs, ImportFlags, UploadFlags,
    batches::{self, ImportBatch, ItemSource},
    csv_file::{CsvFile, CsvFormat},
    groups,
    items::ImportItem,
    rejected::RejectedRows,
    report::ImportReport,
    upload::{self, ImportStart, Predict, UploadItem},
};
use crate::{
    client::{Completion, error::Error, interruptible, retry::Retry, terminal},
    pb,
};

impl ImportFlags {
    /// Refuses a `--rejected` that is no folder, for the rejected rows of several files or steps.
    pub(super) fn check_rejected_folder(&self) -> Result<(), Error> {
        match &self.rejected {
            Some(path) if path != Path::new("-") && !path.is_dir() => Err(Error::Input(format!(
                "{} (--rejected) is no folder; several files of rejected rows need one, or -",
                path.display()
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// Opens a file and checks its header and the destination of rejected rows.
    pub(super) async fn open<T: ImportItem>(
        &self,
        path: &Path,
        rejected: Option<PathBuf>,
    ) -> Result<OpenImport<T>, Error> {
        let file = open_file::<T>(path, self.csv.format()).await?;
        let rejected = rejected.or_else(|| (!self.dry_run).then(|| rejected_path(path, "")));
        let rejected = RejectedRows::new(rejected.as_deref(), self.force, path, &file)?;
        let rejected = BTreeMap::from([(file.index(), rejected)]);
        Ok(OpenImport {
            report: ImportReport::new(rejected, file.size(), self.dry_run, self.format),
            fingerprint: file.fingerprint().to_owned(),
            update_mask: file.columns().after_key(T::COLUMNS),
            sources: vec![source(file)],
            predict: None,
        })
    }
}

/// Opens a file and checks its header.
async fn open_file<T: ImportItem>(path: &Path, format: CsvFormat) -> Result<CsvFile, Error> {
    let input = path.to_owned();
    let open = move || CsvFile::open(&input, format, T::COLUMNS);
    let file = tokio::task::spawn_blocking(open).await;
    file.expect("opening a file does not panic")
}

/// A file in the columns of its items.
fn source<T: ImportItem>(file: CsvFile) -> ItemSource<T> {
    let columns = file.columns();
    ItemSource::File(Arc::new(file), columns)
}

/// Opens a file of memberships, and reads it in batches of at most `limit` rows.
pub(in crate::client) async fn read_memberships(
    path: &Path,
    csv: &CsvFormatArgs,
    limit: usize,
) -> Result<mpsc::Receiver<Result<ImportBatch<pb::Assignment>, Error>>, Error> {
    let file = open_file::<pb::Assignment>(path, csv.format()).await?;
    Ok(batches::read(vec![source(file)], limit))
}

/// What is ready to be imported.
pub(super) struct OpenImport<T> {
    pub(super) sources: Vec<ItemSource<T>>,
    /// Identifies the content.
    pub(super) fingerprint: String,
    /// The fields of contacts that the items have.
    pub(super) update_mask: Vec<String>,
    pub(super) predict: Option<Predict<T>>,
    pub(super) report: ImportReport,
}

impl OpenImport<pb::MailingGroup> {
    pub(super) async fn import_groups(mut self, flags: &ImportFlags) -> Result<Completion, Error> {
        let has_description = !self.update_mask.is_empty();
        let import = async {
            let channel = flags.connection.open().await?;
            groups::import(
                channel,
                flags,
                (self.sources, has_description),
                &mut self.report,
            )
            .await
        };
        let result = interruptible(import).await;
        self.report.finish::<pb::MailingGroup>(result)
    }
}

impl<T: UploadItem> OpenImport<T> {
    /// `suffix` distinguishes the uploads of a command, which has one id.
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
            fingerprint: self.fingerprint,
            update_mask: Some(FieldMask {
                paths: self.update_mask,
            }),
            validate_only: flags.dry_run,
            reuse_former: flags.reuse_former,
        };
        // A dry run leaves nothing that could be continued.
        let retry = match flags.dry_run {
            true => Retry::never(),
            false => upload.retry.retry(),
        };
        let chunk = (upload.chunk.into(), self.predict);
        let import = async {
            let channel = flags.connection.open().await?;
            upload::import::<T>(channel, self.sources, start, chunk, retry, &mut self.report).await
        };
        let result = interruptible(import).await;
        let is_interrupted = matches!(result, Err(Error::Interrupted));
        if result.is_err() && !flags.dry_run && (self.report.committed() > 0 || is_interrupted) {
            terminal::message(&format!("continue with --import-id {id}"));
        }
        self.report.finish::<T>(result)
    }
}

/// `contacts.csv` → `contacts.rejected.csv`, with a word before `rejected` if there is one.
pub(super) fn rejected_path(file: &Path, word: &str) -> PathBuf {
    let end = format!("{word}rejected.csv");
    match file.to_str() {
        Some("-") => PathBuf::from(format!("stdin.{end}")),
        // What a shell makes of `<(…)`: there can be no file beside it.
        Some(name) if name.starts_with("/dev/") || name.starts_with("/proc/") => {
            PathBuf::from(format!("stdin.{end}"))
        }
        _ if file.extension().is_some_and(|it| it == "csv") => file.with_extension(end),
        _ => {
            let mut name = file.as_os_str().to_owned();
            name.push(format!(".{end}"));
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
            assert_eq!(rejected_path(Path::new(input), ""), Path::new(rejected));
        }
    }
}
