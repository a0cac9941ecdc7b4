//! `segment`: builds segments of contacts step by step, and uses them.

mod actions;
mod compare;
mod criteria;
mod resource;
mod show;

use super::{
    Completion, DryRunArgs, EtagArgs, after_help,
    connection::{ConnectionArgs, TenantChannel},
    each_page,
    error::Error,
    mask,
    records::{Record, RecordFormatArgs, RecordPrinter},
    selection::SelectionOptionArgs,
};
use crate::pb::segments_client::SegmentsClient;

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
    /// Remove the contacts that match an expression
    Reduce(actions::FilterArgs),
    /// Keep only the contacts that match an expression
    Refine(actions::FilterArgs),
    /// Undo the last action
    Back(actions::BackArgs),
    /// Show a segment and what was done to it
    Show(show::ShowArgs),
    /// List all segments
    List(show::ListSegmentsArgs),
    /// Change a segment's description
    Describe(resource::DescribeArgs),
    /// Delete a segment with its history
    Delete(resource::DeleteArgs),
    /// List the contacts that entered and left between two segments or expressions
    Compare(compare::CompareArgs),
    /// Assign a mailing group to all members of a segment
    Apply(actions::ApplyArgs),
    /// Save the actions of a segment under a code
    Save(criteria::SaveArgs),
    /// Run saved actions on a segment, with current data
    Replay(criteria::ReplayArgs),
    /// List saved criteria
    Criteria(criteria::ListCriteriaArgs),
    /// Delete saved criteria
    Forget(criteria::DeleteCriteriaArgs),
}

impl SegmentArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        if let SegmentCommand::Compare(compare) = &self.command {
            // A wrong command line is reported even if there is no service.
            compare.request()?;
        }
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
            SegmentCommand::Compare(compare) => compare.run(session).await,
            SegmentCommand::Apply(apply) => apply.run(&mut session).await,
            SegmentCommand::Save(save) => save.run(&mut session).await,
            SegmentCommand::Replay(replay) => replay.run(&mut session).await,
            SegmentCommand::Criteria(list) => list.run(&mut session).await,
            SegmentCommand::Forget(forget) => forget.run(&mut session).await,
        }?;
        Ok(Completion::Complete)
    }
}

/// The client of the service, with the flags for its calls.
struct SegmentSession {
    client: SegmentsClient<TenantChannel>,
    connection: ConnectionArgs,
}
