//! Saving the actions of a segment, and replaying them.

use super::{
    DryRunArgs, Error, Record, RecordFormatArgs, RecordPrinter, SegmentSession, each_page,
    show::record as segment_record,
};
use crate::{
    client::terminal::pluralize,
    pb::{
        DeleteSavedCriteriaRequest, ListSavedCriteriaRequest, ReplayCriteriaRequest,
        SaveCriteriaRequest, SavedCriteria,
    },
};

#[derive(Debug, clap::Args)]
pub(super) struct SaveArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    /// The code to save its actions under
    #[arg(value_name = "CODE")]
    code: String,
    /// Their purpose
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl SaveArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(SaveCriteriaRequest {
            segment_id: self.id,
            code: self.code,
            description: self.description.unwrap_or_default(),
            ..SaveCriteriaRequest::default()
        });
        let saved = session.client.save_criteria(request).await?.into_inner();
        RecordPrinter::one(
            self.format,
            record(saved.saved_criteria.unwrap_or_default()),
        )
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct ReplayArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    /// The code of the saved criteria
    #[arg(value_name = "CODE")]
    code: String,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl ReplayArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(ReplayCriteriaRequest {
            code: self.code,
            segment_id: self.id,
            validate_only: self.dry_run.dry_run,
            ..ReplayCriteriaRequest::default()
        });
        let ran = session.client.replay_criteria(request).await?.into_inner();
        let done = format!(
            "{} run: {} added, {} removed; left out: {} excluded, {} privacy-blocked, {} deleted{}",
            pluralize(ran.action_count, "action", "actions"),
            ran.added_count,
            ran.removed_count,
            ran.excluded_count,
            ran.privacy_blocked_count,
            ran.skipped_contact_count,
            self.dry_run.suffix()
        );
        let result = Record(vec![
            ("replayed_action_count", ran.action_count.into()),
            ("added_count", ran.added_count.into()),
            ("removed_count", ran.removed_count.into()),
            ("excluded_count", ran.excluded_count.into()),
            ("privacy_blocked_count", ran.privacy_blocked_count.into()),
            ("skipped_contact_count", ran.skipped_contact_count.into()),
        ]);
        let segment = segment_record(ran.segment.unwrap_or_default());
        self.format.done_to(&done, segment, result)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct ListCriteriaArgs {
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl ListCriteriaArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let mut printer = RecordPrinter::new(self.format, None);
        each_page(async |page_token| {
            let request = session.connection.unary(ListSavedCriteriaRequest {
                page_token,
                ..ListSavedCriteriaRequest::default()
            });
            let page = session.client.list_saved_criteria(request).await?;
            let page = page.into_inner();
            let records = page.saved_criteria.into_iter().map(record).collect();
            printer.page(records, page.next_page_token)
        })
        .await
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct DeleteCriteriaArgs {
    /// The code of the saved criteria
    #[arg(value_name = "CODE")]
    code: String,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl DeleteCriteriaArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(DeleteSavedCriteriaRequest {
            code: self.code.clone(),
            ..DeleteSavedCriteriaRequest::default()
        });
        let deleted = session.client.delete_saved_criteria(request).await?;
        let sentence = format!("saved criteria {} deleted", self.code);
        let revision = deleted.into_inner().revision;
        let result = Record(vec![
            ("code", self.code.into()),
            ("revision", revision.into()),
        ]);
        self.format.done(&sentence, result)
    }
}

fn record(saved: SavedCriteria) -> Record {
    Record(vec![
        ("code", saved.code.into()),
        ("description", saved.description.into()),
        ("action_count", saved.action_count.into()),
        ("revision", saved.revision.into()),
    ])
}
