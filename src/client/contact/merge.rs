//! Merging contacts.

use super::{ContactSession, DryRunArgs, Error, Record, RecordFormatArgs, RecordPrinter};
use crate::pb::{MergeContactsRequest, MergeContactsResponse};

#[derive(Debug, clap::Args)]
pub(super) struct MergeArgs {
    /// The contact that is kept
    #[arg(value_name = "KEPT")]
    kept: String,
    /// The contacts that are merged into it, of its kind; their ids then lead to it
    #[arg(value_name = "MERGED", required = true)]
    merged: Vec<String>,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl MergeArgs {
    pub(super) async fn run(self, session: &mut ContactSession) -> Result<(), Error> {
        let mut printer = RecordPrinter::new(self.format, None);
        for merged_id in self.merged {
            let message = MergeContactsRequest {
                kept_id: self.kept.clone(),
                merged_id: merged_id.clone(),
                validate_only: self.dry_run.dry_run,
                ..MergeContactsRequest::default()
            };
            let request = session.connection.unary(message);
            let merged = session.client.merge_contacts(request).await?.into_inner();
            printer.print(record(self.kept.clone(), merged_id, merged))?;
        }
        Ok(())
    }
}

/// What the kept contact took over.
fn record(kept: String, gone: String, merged: MergeContactsResponse) -> Record {
    let fields = merged.fields_taken_over.unwrap_or_default().paths;
    Record(vec![
        ("kept_id", kept.into()),
        ("merged_id", gone.into()),
        ("moved_codes", merged.moved_codes.into()),
        ("common_codes", merged.common_codes.into()),
        ("moved_person_count", merged.moved_person_count.into()),
        ("fields_taken_over", fields.into()),
        ("revision", merged.revision.into()),
    ])
}
