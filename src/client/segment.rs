//! `segment`: builds segments of contacts step by step, and works with them.

mod actions;
mod compare;
mod criteria;
mod resource;
mod show;

use super::{
    Completion, after_help,
    connection::{ConnectionArgs, TenantChannel},
    error::Error,
};
use crate::pb::{SelectionOptions, segments_client::SegmentsClient};

const EXAMPLES: &str = "\
Examples:
  mailing-groups segment create SPRING --description 'spring mailing'
  mailing-groups segment add SPRING 'MOVE OR GIFT' --expand-companies
  mailing-groups segment reduce SPRING OPTOUT
  mailing-groups segment back SPRING
  mailing-groups segment show SPRING
  mailing-groups members 'segment(\"SPRING\")' --output spring.csv
  mailing-groups segment compare SPRING AUTUMN
  mailing-groups segment apply SPRING MAILED";

/// The arguments of `segment`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help(EXAMPLES, "the command was carried out"))]
pub struct SegmentArgs {
    #[command(subcommand)]
    command: SegmentCommand,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Debug, clap::Subcommand)]
enum SegmentCommand {
    /// Create an empty segment
    Create(resource::CreateArgs),
    /// Add the contacts that match an expression, or contacts by id
    Add(actions::AddArgs),
    /// Take those away who match an expression
    Reduce(actions::FilterArgs),
    /// Keep only those who match an expression
    Refine(actions::FilterArgs),
    /// Undo the last action
    Back(actions::BackArgs),
    /// Show a segment and what was done to it
    Show(show::ShowArgs),
    /// List all segments
    List(show::ListArgs),
    /// Describe a segment anew
    Describe(resource::DescribeArgs),
    /// Delete a segment with its history
    Delete(resource::DeleteArgs),
    /// Tell who entered and who left between two segments or expressions
    Compare(compare::CompareArgs),
    /// Assign a mailing group to everyone on a segment
    Apply(actions::ApplyArgs),
    /// Save the actions of a segment under a code
    Save(criteria::SaveArgs),
    /// Run saved actions on a segment, against present data
    Replay(criteria::ReplayArgs),
    /// List saved criteria
    Criteria(criteria::ListCriteriaArgs),
    /// Delete saved criteria
    Forget(criteria::DeleteCriteriaArgs),
}

impl SegmentArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        let mut session = SegmentSession {
            client: SegmentsClient::new(self.connection.open().await?),
            connection: self.connection,
        };
        match self.command {
            SegmentCommand::Create(create) => create.run(&mut session).await,
            SegmentCommand::Add(add) => add.run(&mut session).await,
            SegmentCommand::Reduce(reduce) => reduce.reduce(&mut session).await,
            SegmentCommand::Refine(refine) => refine.refine(&mut session).await,
            SegmentCommand::Back(back) => back.run(&mut session).await,
            SegmentCommand::Show(show) => show.run(&mut session).await,
            SegmentCommand::List(list) => list.run(&mut session).await,
            SegmentCommand::Describe(describe) => describe.run(&mut session).await,
            SegmentCommand::Delete(delete) => delete.run(&mut session).await,
            SegmentCommand::Compare(compare) => compare.run(&mut session).await,
            SegmentCommand::Apply(apply) => apply.run(&mut session).await,
            SegmentCommand::Save(save) => save.run(&mut session).await,
            SegmentCommand::Replay(replay) => replay.run(&mut session).await,
            SegmentCommand::Criteria(list) => list.run(&mut session).await,
            SegmentCommand::Forget(forget) => forget.run(&mut session).await,
        }?;
        Ok(Completion::Complete)
    }
}

/// The service, and how it is asked.
struct SegmentSession {
    client: SegmentsClient<TenantChannel>,
    connection: ConnectionArgs,
}

/// How those who are to be left out, and companies, are treated.
#[derive(Debug, Clone, clap::Args)]
struct SelectionOptionArgs {
    /// Take for each match its whole company: the company and all its people
    #[arg(long, help_heading = "Selection")]
    expand_companies: bool,
    /// Take also the companies of the persons that match
    #[arg(long, help_heading = "Selection")]
    include_related_companies: bool,
    /// Keep contacts that are marked exclude_from_segments
    #[arg(long, help_heading = "Selection")]
    include_excluded: bool,
    /// Keep contacts that are marked privacy_blocked
    #[arg(long, help_heading = "Selection")]
    include_privacy_blocked: bool,
}

impl From<SelectionOptionArgs> for SelectionOptions {
    fn from(options: SelectionOptionArgs) -> Self {
        Self {
            expand_companies: options.expand_companies,
            include_related_companies: options.include_related_companies,
            include_excluded: options.include_excluded,
            include_privacy_blocked: options.include_privacy_blocked,
        }
    }
}

/// Ends a sentence about what was only validated.
fn dry_run_suffix(validate_only: bool) -> &'static str {
    match validate_only {
        true => " (nothing was changed: --dry-run)",
        false => "",
    }
}
