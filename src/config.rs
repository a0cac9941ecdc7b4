//! The command line: flags, each also an environment variable, read and checked before anything
//! is started.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{client, duration, server::Limits, telemetry::LogFormat};

/// A gRPC service that defines mailing groups, assigns them to contacts and selects contacts by
/// them.
///
/// Without a command it serves. Without --database-url it keeps its data in a private PostgreSQL
/// of its own under --data-dir; the PostgreSQL server programs must be installed.
#[derive(Debug, Parser)]
#[command(
    name = "mailing-groups",
    version,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// What to do; nothing means `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub serve: ServeOptions,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM or SIGINT (the default)
    Serve(Box<ServeOptions>),
    /// Bring the database's tables up to date and stop
    Migrate(DatabaseOptions),
    /// The commands that talk to a running service.
    #[command(flatten)]
    Client(Box<client::ClientCommand>),
}

/// Flags of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeOptions {
    /// Address and port to listen on
    #[arg(long, env = "MAILING_GROUPS_LISTEN", default_value = "127.0.0.1:50051")]
    pub listen: SocketAddr,
    /// Where the data lies.
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// Do not bring the database's tables up to date at start
    #[arg(long, env = "MAILING_GROUPS_NO_MIGRATE")]
    pub no_migrate: bool,
    /// Seconds that open calls may go on after SIGTERM
    #[arg(
        long,
        value_name = "SECONDS",
        env = "MAILING_GROUPS_DRAIN_TIMEOUT",
        default_value = "20"
    )]
    pub drain_timeout: u64,
    /// Longest time of a call, in seconds; also the deadline of a call that sent none
    #[arg(
        long,
        value_name = "SECONDS",
        env = "MAILING_GROUPS_CALL_TIMEOUT",
        default_value = "60"
    )]
    pub call_timeout: u64,
    /// Longest time of a streaming call, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        env = "MAILING_GROUPS_STREAM_TIMEOUT",
        default_value = "3600"
    )]
    pub stream_timeout: u64,
    /// Open connections of clients; one more is closed
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_MAX_CONNECTIONS",
        default_value = "10000"
    )]
    pub max_connections: usize,
    /// Calls handled at a time, open streams included; one more is answered UNAVAILABLE
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_MAX_CALLS",
        default_value = "10000"
    )]
    pub max_calls: usize,
    /// Open calls per connection
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_MAX_CONCURRENT_STREAMS",
        default_value = "256"
    )]
    pub max_concurrent_streams: u32,
    /// Memory for what selections read, in MiB
    #[arg(
        long,
        value_name = "MIB",
        env = "MAILING_GROUPS_INDEX_MEMORY",
        default_value = "256"
    )]
    pub index_memory: u64,
    /// How long changes are kept for watchers, such as 7d or 12h; 0 keeps none for
    /// longer than a moment
    #[arg(
        long,
        value_name = "DURATION",
        env = "MAILING_GROUPS_HISTORY_RETENTION",
        default_value = "7d",
        value_parser = duration::parse
    )]
    pub history_retention: Duration,
    /// Which log lines to write: a level, or directives such as info,mailing_groups=debug
    #[arg(
        long,
        value_name = "FILTER",
        env = "MAILING_GROUPS_LOG",
        default_value = "info"
    )]
    pub log: String,
    /// How log lines look
    #[arg(
        long,
        env = "MAILING_GROUPS_LOG_FORMAT",
        value_enum,
        default_value = "text"
    )]
    pub log_format: Format,
}

/// Where the data lies.
#[derive(Debug, Clone, Args)]
pub struct DatabaseOptions {
    /// PostgreSQL 14 or newer, as postgres://user:password@host/database; sslmode=disable, prefer,
    /// require and verify-full are understood [env: DATABASE_URL or MAILING_GROUPS_DATABASE_URL]
    #[arg(
        long,
        value_name = "URL",
        env = "MAILING_GROUPS_DATABASE_URL",
        hide_env = true,
        hide_env_values = true
    )]
    pub database_url: Option<String>,
    /// Folder of the private PostgreSQL that runs when there is no --database-url
    #[arg(
        long,
        value_name = "DIR",
        env = "MAILING_GROUPS_DATA_DIR",
        default_value = "./data"
    )]
    pub data_dir: PathBuf,
    /// Most connections to the database
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_DATABASE_CONNECTIONS",
        default_value = "16",
        value_parser = clap::value_parser!(u16).range(2..=1000)
    )]
    pub database_connections: u16,
    /// Longest wait for one of them, in milliseconds; after it a call is answered UNAVAILABLE
    #[arg(
        long,
        value_name = "MILLISECONDS",
        env = "MAILING_GROUPS_DATABASE_WAIT",
        default_value = "2000"
    )]
    pub database_wait: u64,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl From<Format> for LogFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
        }
    }
}

impl ServeOptions {
    /// The bounds of the server.
    pub fn limits(&self) -> Limits {
        Limits {
            max_connections: self.max_connections,
            max_calls: self.max_calls,
            max_concurrent_streams: self.max_concurrent_streams,
            max_unary_time: Duration::from_secs(self.call_timeout),
            max_stream_time: Duration::from_secs(self.stream_timeout),
            drain_timeout: Duration::from_secs(self.drain_timeout),
            ..Limits::default()
        }
    }
}

impl DatabaseOptions {
    /// The database's URL, if one is named.
    pub fn url(&self) -> Option<String> {
        let named = self
            .database_url
            .clone()
            .or_else(|| std::env::var("DATABASE_URL").ok());
        named.filter(|url| !url.is_empty())
    }

    /// The longest wait for a connection.
    pub fn wait(&self) -> Duration {
        Duration::from_millis(self.database_wait)
    }
}
