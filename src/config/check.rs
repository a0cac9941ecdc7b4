//! The flags of `check`.

use clap::{Args, ValueEnum};

use super::DatabaseOptions;

const AFTER_HELP: &str = "\
Examples:
  mailing-groups check
  mailing-groups check --tenant acme --format json

Exit codes:
  0  the database is sound
  1  the database could not be checked; stderr says why
  2  the command line is wrong
  3  the database is not sound; stdout says where";

/// Flags of `check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER_HELP)]
pub struct CheckOptions {
    /// Check this tenant only
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub format: CheckFormat,
    /// Where the data is.
    #[command(flatten)]
    pub database: DatabaseOptions,
}

/// How the result of a check is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// A line for each tenant and each finding
    Text,
    /// One JSON object
    Json,
}
