//! Building a segment, undoing an action, and assigning a group to the members.

use tonic::Request;

use super::{
    DryRunArgs, Error, Record, RecordFormatArgs, SegmentSession, SelectionOptionArgs, show::record,
};
use crate::{
    client::terminal::pluralize,
    pb::{
        AddContactsRequest, ApplyMailingGroupRequest, GoBackRequest, ReduceContactsRequest,
        RefineContactsRequest, Segment,
    },
};

#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    /// The contacts to add, as an expression over group codes, such as '(MOVE OR GIFT) AND NOT
    /// OPTOUT'
    #[arg(value_name = "EXPR", required_unless_present = "contact")]
    expression: Option<String>,
    /// The id of a contact to add, instead of an expression; may be repeated
    #[arg(long, value_name = "ID", conflicts_with = "expression")]
    contact: Vec<String>,
    #[command(flatten)]
    options: SelectionOptionArgs,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl AddArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(AddContactsRequest {
            segment_id: self.id,
            expression: self.expression.unwrap_or_default(),
            contact_ids: self.contact,
            options: Some(self.options.into()),
            validate_only: self.dry_run.dry_run,
            ..AddContactsRequest::default()
        });
        let added = session.client.add_contacts(request).await?.into_inner();
        let done = format!(
            "{} added; left out: {} excluded, {} privacy-blocked{}",
            added.added_count,
            added.excluded_count,
            added.privacy_blocked_count,
            self.dry_run.suffix()
        );
        let result = Record(vec![
            ("added_count", added.added_count.into()),
            ("excluded_count", added.excluded_count.into()),
            ("privacy_blocked_count", added.privacy_blocked_count.into()),
        ]);
        let segment = record(added.segment.unwrap_or_default());
        self.format.done_to(&done, segment, result)
    }
}

/// The arguments of `reduce` and `refine`.
#[derive(Debug, clap::Args)]
pub(super) struct FilterArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    /// The contacts, as an expression over group codes
    #[arg(value_name = "EXPR")]
    expression: String,
    /// Extend each match, on the segment or not, to its whole company
    #[arg(long)]
    entire_companies: bool,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl FilterArgs {
    pub(super) async fn reduce(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(ReduceContactsRequest {
            segment_id: self.id,
            expression: self.expression,
            entire_companies: self.entire_companies,
            validate_only: self.dry_run.dry_run,
            ..ReduceContactsRequest::default()
        });
        let reduced = session.client.reduce_contacts(request).await?.into_inner();
        removed(
            reduced.removed_count,
            reduced.segment,
            self.dry_run,
            self.format,
        )
    }

    pub(super) async fn refine(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(RefineContactsRequest {
            segment_id: self.id,
            expression: self.expression,
            entire_companies: self.entire_companies,
            validate_only: self.dry_run.dry_run,
            ..RefineContactsRequest::default()
        });
        let refined = session.client.refine_contacts(request).await?.into_inner();
        removed(
            refined.removed_count,
            refined.segment,
            self.dry_run,
            self.format,
        )
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct BackArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl BackArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(GoBackRequest {
            segment_id: self.id,
            validate_only: self.dry_run.dry_run,
            ..GoBackRequest::default()
        });
        let back = session.client.go_back(request).await?.into_inner();
        let done = format!(
            "{} restored, {} removed{}",
            pluralize(back.added_count, "contact", "contacts"),
            back.removed_count,
            self.dry_run.suffix()
        );
        let result = Record(vec![
            ("added_count", back.added_count.into()),
            ("removed_count", back.removed_count.into()),
        ]);
        let segment = record(back.segment.unwrap_or_default());
        self.format.done_to(&done, segment, result)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct ApplyArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    /// The code of the mailing group
    #[arg(value_name = "CODE")]
    code: String,
    /// Remove the group from all other contacts
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl ApplyArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = Request::new(ApplyMailingGroupRequest {
            segment_id: self.id,
            code: self.code,
            replace: self.replace,
            validate_only: self.dry_run.dry_run,
            ..ApplyMailingGroupRequest::default()
        });
        let mut steps = session
            .client
            .apply_mailing_group(request)
            .await?
            .into_inner();
        let mut applied = None;
        while let Some(step) = steps.message().await? {
            applied = Some(step);
        }
        let done = applied.filter(|step| step.remaining_count == 0);
        let applied = done.ok_or(Error::UnexpectedEnd)?;
        let done = format!(
            "group assigned to {}, removed from {}{}",
            pluralize(applied.added_count, "contact", "contacts"),
            applied.removed_count,
            self.dry_run.suffix()
        );
        let result = Record(vec![
            ("added_count", applied.added_count.into()),
            ("removed_count", applied.removed_count.into()),
            ("revision", applied.revision.into()),
        ]);
        self.format.done(&done, result)
    }
}

fn removed(
    count: i64,
    segment: Option<Segment>,
    dry_run: DryRunArgs,
    format: RecordFormatArgs,
) -> Result<(), Error> {
    let done = format!("{count} removed{}", dry_run.suffix());
    let result = Record(vec![("removed_count", count.into())]);
    format.done_to(&done, record(segment.unwrap_or_default()), result)
}
