//! Saving the actions of a segment, and replaying them.

use super::{DryRunArgs, Error, SegmentSession, actions::report, each_page};
use crate::{
    client::terminal::{self, pluralize},
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
        terminal::print(&line(&saved.saved_criteria.unwrap_or_default()))
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
            "{} run: {} added, {} removed; left out: {} excluded, {} privacy-blocked, {} deleted",
            pluralize(ran.action_count, "action", "actions"),
            ran.added_count,
            ran.removed_count,
            ran.excluded_count,
            ran.privacy_blocked_count,
            ran.skipped_contact_count,
        );
        report(&done, ran.segment, self.dry_run)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct ListCriteriaArgs {}

impl ListCriteriaArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        each_page(async |page_token| {
            let request = session.connection.unary(ListSavedCriteriaRequest {
                page_token,
                ..ListSavedCriteriaRequest::default()
            });
            let page = session.client.list_saved_criteria(request).await?;
            let page = page.into_inner();
            for saved in &page.saved_criteria {
                terminal::print_or_stop(line(saved))?;
            }
            Ok(page.next_page_token)
        })
        .await
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct DeleteCriteriaArgs {
    /// The code of the saved criteria
    #[arg(value_name = "CODE")]
    code: String,
}

impl DeleteCriteriaArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(DeleteSavedCriteriaRequest {
            code: self.code.clone(),
            ..DeleteSavedCriteriaRequest::default()
        });
        session.client.delete_saved_criteria(request).await?;
        terminal::print(&format!("saved criteria {} deleted", self.code))
    }
}

fn line(saved: &SavedCriteria) -> String {
    let actions = pluralize(saved.action_count, "action", "actions");
    match saved.description.is_empty() {
        true => format!("{}: {actions}", saved.code),
        false => format!("{}: {actions}: {}", saved.code, saved.description),
    }
}
