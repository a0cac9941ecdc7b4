//! Building a segment, going back, and giving its members a group.

use super::{Error, SegmentSession, SelectionOptionArgs, dry_run_suffix, show::line};
use crate::{
    client::terminal,
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
    /// Who is meant: an expression over group codes, such as '(MOVE OR GIFT) AND NOT OPTOUT'
    #[arg(
        value_name = "EXPR",
        required_unless_present = "contact",
        default_value = ""
    )]
    expression: String,
    /// A contact's id, instead of an expression; may be repeated
    #[arg(long, value_name = "ID", conflicts_with = "expression")]
    contact: Vec<String>,
    #[command(flatten)]
    options: SelectionOptionArgs,
    /// Say what it would do, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl AddArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(AddContactsRequest {
            segment_id: self.id,
            expression: self.expression,
            contact_ids: self.contact,
            options: Some(self.options.into()),
            validate_only: self.dry_run,
        });
        let added = session.client.add_contacts(request).await?.into_inner();
        let done = format!(
            "{} added; left out: {} excluded, {} privacy-blocked",
            added.added_count, added.excluded_count, added.privacy_blocked_count
        );
        report(&done, added.segment, self.dry_run)
    }
}

/// The arguments of `reduce` and `refine`.
#[derive(Debug, clap::Args)]
pub(super) struct FilterArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    /// Who is meant: an expression over group codes
    #[arg(value_name = "EXPR")]
    expression: String,
    /// A match, on the segment or not, counts for its whole company
    #[arg(long)]
    entire_companies: bool,
    /// Say what it would do, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl FilterArgs {
    pub(super) async fn reduce(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(ReduceContactsRequest {
            segment_id: self.id,
            expression: self.expression,
            entire_companies: self.entire_companies,
            validate_only: self.dry_run,
        });
        let reduced = session.client.reduce_contacts(request).await?.into_inner();
        let done = format!("{} removed", reduced.removed_count);
        report(&done, reduced.segment, self.dry_run)
    }

    pub(super) async fn refine(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(RefineContactsRequest {
            segment_id: self.id,
            expression: self.expression,
            entire_companies: self.entire_companies,
            validate_only: self.dry_run,
        });
        let refined = session.client.refine_contacts(request).await?.into_inner();
        let done = format!("{} removed", refined.removed_count);
        report(&done, refined.segment, self.dry_run)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct BackArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    /// Say what it would do, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl BackArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(GoBackRequest {
            segment_id: self.id,
            validate_only: self.dry_run,
        });
        let back = session.client.go_back(request).await?.into_inner();
        let done = format!(
            "{} came back, {} left",
            back.added_count, back.removed_count
        );
        report(&done, back.segment, self.dry_run)
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
    /// Take the group from everybody else
    #[arg(long)]
    replace: bool,
    /// Say what it would do, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl ApplyArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(ApplyMailingGroupRequest {
            segment_id: self.id,
            code: self.code,
            replace: self.replace,
            validate_only: self.dry_run,
        });
        let applied = session
            .client
            .apply_mailing_group(request)
            .await?
            .into_inner();
        terminal::print(&format!(
            "{} got the group, {} lost it{}",
            applied.added_count,
            applied.removed_count,
            dry_run_suffix(self.dry_run)
        ))
    }
}

/// Says what was done, and what the segment is then.
pub(super) fn report(done: &str, segment: Option<Segment>, dry_run: bool) -> Result<(), Error> {
    terminal::print(&format!("{done}{}", dry_run_suffix(dry_run)))?;
    terminal::print(&line(&segment.unwrap_or_default()))
}
