//! `count`: counts the contacts that an expression selects.

use super::{
    Completion, after_help, connection::ConnectionArgs, error::Error, selection::SelectionArgs,
    terminal,
};
use crate::pb::mailing_groups_client::MailingGroupsClient;

const EXAMPLES: &str = "\
Examples:
  mailing-groups count 'MOVE AND NOT OPTOUT'
  mailing-groups count 'GIFT*' --expand-companies --format json";

/// The arguments of `count`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help(EXAMPLES, "the count was printed"))]
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
        let counts = self.selection.count(&mut client, &self.connection).await?;
        terminal::print(&match self.format {
            CountFormat::Text => counts.to_string(),
            CountFormat::Json => serde_json::to_string(&counts).expect("numbers under plain keys"),
        })?;
        Ok(Completion::Complete)
    }
}
