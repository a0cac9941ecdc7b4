//! `segment`: builds segments of contacts step by step, and works with them.

mod actions;
mod compare;
mod criteria;
mod resource;
mod show;

use super::{
    EXIT_CODES, Outcome,
    connection::{Connection, Link},
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
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Segment {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create an empty segment
    Create(resource::Create),
    /// Add the contacts that match an expression, or contacts by id
    Add(actions::Add),
    /// Take those away who match an expression
    Reduce(actions::Sift),
    /// Keep only those who match an expression
    Refine(actions::Sift),
    /// Undo the last action
    Back(actions::Back),
    /// Show a segment and what was done to it
    Show(show::Show),
    /// List all segments
    List(show::List),
    /// Describe a segment anew
    Describe(resource::Describe),
    /// Delete a segment with its history
    Delete(resource::Delete),
    /// Tell who entered and who left between two segments or expressions
    Compare(compare::Compare),
    /// Assign a mailing group to everyone on a segment
    Apply(actions::Apply),
    /// Save the actions of a segment under a code
    Save(criteria::Save),
    /// Run saved actions on a segment, against present data
    Replay(criteria::Replay),
    /// List saved criteria
    Criteria(criteria::List),
    /// Delete saved criteria
    Forget(criteria::Forget),
}

impl Segment {
    pub(super) async fn run(self) -> Result<Outcome, Error> {
        let mut service = Service {
            client: SegmentsClient::new(self.connection.open().await?),
            connection: self.connection,
        };
        match self.command {
            Command::Create(create) => create.run(&mut service).await,
            Command::Add(add) => add.run(&mut service).await,
            Command::Reduce(reduce) => reduce.reduce(&mut service).await,
            Command::Refine(refine) => refine.refine(&mut service).await,
            Command::Back(back) => back.run(&mut service).await,
            Command::Show(show) => show.run(&mut service).await,
            Command::List(list) => list.run(&mut service).await,
            Command::Describe(describe) => describe.run(&mut service).await,
            Command::Delete(delete) => delete.run(&mut service).await,
            Command::Compare(compare) => compare.run(&mut service).await,
            Command::Apply(apply) => apply.run(&mut service).await,
            Command::Save(save) => save.run(&mut service).await,
            Command::Replay(replay) => replay.run(&mut service).await,
            Command::Criteria(list) => list.run(&mut service).await,
            Command::Forget(forget) => forget.run(&mut service).await,
        }?;
        Ok(Outcome::Complete)
    }
}

/// The service, and how it is asked.
struct Service {
    client: SegmentsClient<Link>,
    connection: Connection,
}

/// How those who are to be left out, and companies, are treated.
#[derive(Debug, Clone, clap::Args)]
struct Options {
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

impl From<Options> for SelectionOptions {
    fn from(options: Options) -> Self {
        Self {
            expand_companies: options.expand_companies,
            include_related_companies: options.include_related_companies,
            include_excluded: options.include_excluded,
            include_privacy_blocked: options.include_privacy_blocked,
        }
    }
}

/// Ends a sentence about what was only validated.
fn dry(validate_only: bool) -> &'static str {
    match validate_only {
        true => " (nothing was changed: --dry-run)",
        false => "",
    }
}
