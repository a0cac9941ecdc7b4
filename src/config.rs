//! The command line: flags, each also an environment variable, parsed and checked before anything
//! starts.

mod auth;
mod check;
mod database;
mod docs;
mod telemetry;
#[cfg(test)]
mod tests;
mod tls;
mod web;

use std::{
    env,
    ffi::OsString,
    net::{SocketAddr, ToSocketAddrs},
    time::Duration,
};

use clap::{
    Args, CommandFactory, Parser, Subcommand, ValueEnum,
    error::{ContextKind, ContextValue},
};

pub use self::{
    auth::{AuthCommand, AuthOptions, NewKeyOptions, ReflectionMode},
    check::{CheckFormat, CheckOptions},
    database::{DatabaseChoice, DatabaseOptions, MigrateOptions, ReplicaOptions},
    docs::{CompletionsOptions, ManOptions},
    telemetry::TelemetryOptions,
    tls::TlsOptions,
    web::WebOptions,
};
use crate::{client, duration, server::Limits};

/// A gRPC service that defines mailing groups, assigns them to contacts and selects contacts by
/// them.
///
/// Without a command it runs `serve`. Without a database URL it starts a private PostgreSQL, with
/// its data in --data-dir; this requires the PostgreSQL server programs (package postgresql).
#[derive(Debug, Parser)]
#[command(
    name = "mailing-groups",
    version,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// `serve` if there is none.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `serve`.
    #[command(flatten)]
    pub serve: ServeOptions,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service until SIGTERM or SIGINT (the default command)
    Serve(Box<ServeOptions>),
    /// Create or update the tables of the database, and exit
    Migrate(MigrateOptions),
    /// Check that everything in the database agrees
    ///
    /// Counters, the change log, references, segments and texts are checked by the rules that hold for
    /// them. Only reads, each tenant in one snapshot, so that servers may go on working. The result
    /// names numbers and ids, no names or e-mail addresses.
    Check(Box<CheckOptions>),
    /// Make credentials for callers
    #[command(subcommand)]
    Auth(AuthCommand),
    /// Print completions for a shell, e.g. `source <(mailing-groups completions bash)`
    Completions(CompletionsOptions),
    /// Print the man page of the program, or write those of all commands
    Man(ManOptions),
    /// The commands that call a running service.
    #[command(flatten)]
    Client(Box<client::ClientCommand>),
}

/// Flags of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeOptions {
    /// IP address or host name, and port, to listen on
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "MAILING_GROUPS_LISTEN",
        default_value = "127.0.0.1:50051",
        value_parser = address
    )]
    pub listen: SocketAddr,
    /// Where browsers and curl call.
    #[command(flatten)]
    pub web: WebOptions,
    /// How clients reach the service.
    #[command(flatten)]
    pub tls: TlsOptions,
    /// Who may call.
    #[command(flatten)]
    pub auth: AuthOptions,
    /// Where the data is.
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// Where large reads go.
    #[command(flatten)]
    pub replica: ReplicaOptions,
    /// Do not create or update the tables at start; fail if they are missing
    #[arg(long, env = "MAILING_GROUPS_NO_MIGRATE")]
    pub no_migrate: bool,
    /// How long open calls may continue after SIGTERM or SIGINT, before they end with UNAVAILABLE
    #[arg(
        long,
        value_name = "DURATION",
        env = "MAILING_GROUPS_DRAIN_TIMEOUT",
        default_value = "20s",
        value_parser = duration::parse
    )]
    pub drain_timeout: Duration,
    /// Maximum duration of a call that does not stream; a shorter deadline of the client applies
    #[arg(
        long,
        value_name = "DURATION",
        env = "MAILING_GROUPS_CALL_TIMEOUT",
        default_value = "60s",
        value_parser = duration::parse
    )]
    pub call_timeout: Duration,
    /// Maximum duration of a call that streams; clients resume the stream after it
    #[arg(
        long,
        value_name = "DURATION",
        env = "MAILING_GROUPS_STREAM_TIMEOUT",
        default_value = "1h",
        value_parser = duration::parse
    )]
    pub stream_timeout: Duration,
    /// Maximum number of open client connections; further ones are closed
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_MAX_CONNECTIONS",
        default_value = "10000"
    )]
    pub max_connections: usize,
    /// Maximum number of concurrent unary calls, of which a tenant can have half; further ones fail
    /// with UNAVAILABLE
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_MAX_CALLS",
        default_value = "2000"
    )]
    pub max_calls: usize,
    /// Maximum number of open streams, of which a tenant can have half
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_MAX_STREAMS",
        default_value = "10000"
    )]
    pub max_streams: usize,
    /// Maximum number of calls in a second of a tenant without a limit of its own; further ones fail with
    /// RESOURCE_EXHAUSTED; 0 is no limit
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_TENANT_CALLS_PER_SECOND",
        default_value = "0"
    )]
    pub tenant_calls_per_second: u32,
    /// Memory for requests that arrive or wait, of which a tenant can have half, in MiB
    #[arg(
        long,
        value_name = "MIB",
        env = "MAILING_GROUPS_REQUEST_MEMORY",
        default_value = "256"
    )]
    pub request_memory: usize,
    /// Maximum number of concurrent calls on one connection
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_MAX_CONCURRENT_STREAMS",
        default_value = "256"
    )]
    pub max_concurrent_streams: u32,
    /// Memory for cached sets of contacts, which speed up selections, in MiB
    #[arg(
        long,
        value_name = "MIB",
        env = "MAILING_GROUPS_INDEX_MEMORY",
        default_value = "256"
    )]
    pub index_memory: u64,
    /// How long changes are kept for clients that resume `watch`, e.g. 7d or 12h; 0 keeps none
    #[arg(
        long,
        value_name = "DURATION",
        env = "MAILING_GROUPS_HISTORY_RETENTION",
        default_value = "7d",
        value_parser = duration::parse
    )]
    pub history_retention: Duration,
    /// Tenants that do not exist: implicit creates one with its first write and reads it as empty,
    /// explicit refuses calls for it with NOT_FOUND
    #[arg(
        long,
        value_name = "MODE",
        env = "MAILING_GROUPS_TENANTS",
        value_enum,
        default_value = "implicit"
    )]
    pub tenants: TenantMode,
    /// Logs and metrics.
    #[command(flatten)]
    pub telemetry: TelemetryOptions,
}

/// How tenants come into being.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum TenantMode {
    /// By their first write.
    Implicit,
    /// By `CreateTenant` only.
    Explicit,
}

impl ServeOptions {
    /// The limits of the server.
    pub fn limits(&self) -> Limits {
        Limits {
            max_connections: self.max_connections,
            max_calls: self.max_calls,
            max_streams: self.max_streams,
            max_request_memory: self.request_memory << 20,
            max_concurrent_streams: self.max_concurrent_streams,
            max_unary_time: self.call_timeout,
            max_stream_time: self.stream_timeout,
            drain_timeout: self.drain_timeout,
            ..Limits::default()
        }
        .with_tenant_calls_per_second(self.tenant_calls_per_second)
    }
}

impl Cli {
    /// Parses the command line and the environment; exits with a usage error if they are invalid.
    pub fn from_command_line() -> Self {
        let arguments = client::arguments(env::args_os());
        Self::try_parse_from(&arguments)
            .unwrap_or_else(|error| name_variable(error, &arguments).exit())
    }
}

/// Names the environment variable instead of the flag in an error of a value that is not on the
/// command line. clap names the flag in both cases.
fn name_variable(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let flag = argument.split([' ', '=']).next().unwrap_or_default();
    let is_given = arguments.iter().any(|it| {
        let it = it.to_string_lossy();
        it.split('=').next() == Some(flag)
    });
    let variable = flag
        .strip_prefix("--")
        .and_then(|name| variable_of(&Cli::command(), name));
    if let Some(variable) = variable.filter(|_| !is_given) {
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}

/// The environment variable of the flag `--name` of a command or its subcommands.
fn variable_of(command: &clap::Command, name: &str) -> Option<String> {
    let own = command
        .get_arguments()
        .filter(|it| it.get_long() == Some(name))
        .find_map(|it| Some(it.get_env()?.to_string_lossy().into_owned()));
    own.or_else(|| {
        command
            .get_subcommands()
            .find_map(|it| variable_of(it, name))
    })
}

/// Resolves an address; IPv4 first, because that is where clients connect by default.
fn address(text: &str) -> Result<SocketAddr, String> {
    let found: Vec<_> = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; write 127.0.0.1:50051 or localhost:50051"))?
        .collect();
    let ipv4 = found.iter().find(|it| it.is_ipv4());
    let address = ipv4.or(found.first()).copied();
    address.ok_or_else(|| "the host has no address; write 127.0.0.1:50051".to_owned())
}
