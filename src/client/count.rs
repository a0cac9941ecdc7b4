//! `count`: how many contacts an expression selects.

use super::{
    Completion, EXIT_CODES,
    connection::ConnectionArgs,
    error::Error,
    selection::{SelectionArgs, SelectionCounts},
    terminal,
};
use crate::pb::{
    CountSegmentMembersRequest, CountSegmentMembersResponse,
    count_segment_members_request::Selection as Selected,
    mailing_groups_client::MailingGroupsClient,
};

const EXAMPLES: &str = "\
Examples:
  mailing-groups count 'MOVE AND NOT OPTOUT'
  mailing-groups count 'GIFT*' --expand-companies --format json";

/// The arguments of `count`.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct CountArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// How the count is printed
    #[arg(long, value_enum, default_value = "text")]
    format: CountFormat,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum CountFormat {
    /// One sentence
    Text,
    /// One JSON object
    Json,
}

impl CountArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        let mut client = MailingGroupsClient::new(self.connection.open().await?);
        let request = self.connection.unary(CountSegmentMembersRequest {
            options: Some(self.selection.options()),
            selection: Some(Selected::Expression(self.selection.expression)),
        });
        let counts =
            SelectionCounts::from(client.count_segment_members(request).await?.into_inner());
        terminal::print(&match self.format {
            CountFormat::Text => counts.to_string(),
            CountFormat::Json => serde_json::to_string(&counts).expect("numbers under plain keys"),
        })?;
        Ok(Completion::Complete)
    }
}

impl From<CountSegmentMembersResponse> for SelectionCounts {
    fn from(counts: CountSegmentMembersResponse) -> Self {
        Self {
            member_count: counts.member_count,
            company_count: counts.company_count,
            person_count: counts.person_count,
            excluded_count: counts.excluded_count,
            privacy_blocked_count: counts.privacy_blocked_count,
            revision: counts.revision,
        }
    }
}
