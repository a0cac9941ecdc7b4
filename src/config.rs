//! The command line: flags, each also an environment variable, parsed and checked before anything
//! starts.

use std::{
    env,
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};

use crate::{client, duration, server::Limits, telemetry::LogFormat};

/// A gRPC service that defines mailing groups, assigns them to contacts and selects contacts by
/// them.
///
/// Without a command it serves. Without a database URL it starts a private PostgreSQL with its data
/// under --data-dir; the PostgreSQL server programs must be installed.
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
    /// Serve until SIGTERM or SIGINT (the default)
    Serve(Box<ServeOptions>),
    /// Migrate the database and exit
    Migrate(DatabaseOptions),
    /// The commands that talk to a running service.
    #[command(flatten)]
    Client(Box<client::ClientCommand>),
}

/// Flags of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeOptions {
    /// Address and port to listen on
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "MAILING_GROUPS_LISTEN",
        default_value = "127.0.0.1:50051",
        value_parser = address
    )]
    pub listen: SocketAddr,
    /// Where the data is.
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// Do not migrate the database at start
    #[arg(long, env = "MAILING_GROUPS_NO_MIGRATE")]
    pub no_migrate: bool,
    /// How long open calls may continue after SIGTERM
    #[arg(
        long,
        value_name = "DURATION",
        env = "MAILING_GROUPS_DRAIN_TIMEOUT",
        default_value = "20s",
        value_parser = duration::parse
    )]
    pub drain_timeout: Duration,
    /// Maximum duration of a unary call; also the deadline of a call without one
    #[arg(
        long,
        value_name = "DURATION",
        env = "MAILING_GROUPS_CALL_TIMEOUT",
        default_value = "60s",
        value_parser = duration::parse
    )]
    pub call_timeout: Duration,
    /// Maximum duration of a streaming call
    #[arg(
        long,
        value_name = "DURATION",
        env = "MAILING_GROUPS_STREAM_TIMEOUT",
        default_value = "1h",
        value_parser = duration::parse
    )]
    pub stream_timeout: Duration,
    /// Maximum number of client connections; further ones are closed
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_MAX_CONNECTIONS",
        default_value = "10000"
    )]
    pub max_connections: usize,
    /// Maximum number of concurrent calls, streams included; further ones get UNAVAILABLE
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_MAX_CALLS",
        default_value = "10000"
    )]
    pub max_calls: usize,
    /// Maximum number of concurrent calls on one connection
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_MAX_CONCURRENT_STREAMS",
        default_value = "256"
    )]
    pub max_concurrent_streams: u32,
    /// Memory for cached sets of contacts, in MiB
    #[arg(
        long,
        value_name = "MIB",
        env = "MAILING_GROUPS_INDEX_MEMORY",
        default_value = "256"
    )]
    pub index_memory: u64,
    /// How long changes are kept for WatchChanges, e.g. 7d or 12h; 0 keeps none
    #[arg(
        long,
        value_name = "DURATION",
        env = "MAILING_GROUPS_HISTORY_RETENTION",
        default_value = "7d",
        value_parser = duration::parse
    )]
    pub history_retention: Duration,
    /// Log filter: a level, or directives such as info,mailing_groups=debug
    #[arg(
        long,
        value_name = "FILTER",
        env = "MAILING_GROUPS_LOG",
        default_value = "info"
    )]
    pub log: String,
    /// Format of log lines
    #[arg(
        long,
        env = "MAILING_GROUPS_LOG_FORMAT",
        value_enum,
        default_value = "text"
    )]
    pub log_format: LogFormat,
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub struct DatabaseOptions {
    /// PostgreSQL 14 or newer, as postgres://user:password@host:5432/database, with an optional
    /// ?sslmode=disable, prefer, require or verify-full
    /// [env: MAILING_GROUPS_DATABASE_URL or DATABASE_URL]
    #[arg(
        long,
        value_name = "URL",
        env = "MAILING_GROUPS_DATABASE_URL",
        hide_env = true,
        hide_env_values = true
    )]
    pub database_url: Option<String>,
    /// Run the private PostgreSQL even if a database URL is set
    #[arg(long, env = "MAILING_GROUPS_PRIVATE")]
    pub private: bool,
    /// Directory of the private PostgreSQL [default: ./data]; given explicitly, it wins over
    /// DATABASE_URL
    #[arg(long, value_name = "DIR", env = "MAILING_GROUPS_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Maximum number of database connections
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_DATABASE_CONNECTIONS",
        default_value = "16",
        value_parser = clap::value_parser!(u16).range(2..=1000)
    )]
    pub database_connections: u16,
    /// How long a call waits for a free database connection before it fails with UNAVAILABLE
    #[arg(
        long,
        value_name = "DURATION",
        env = "MAILING_GROUPS_DATABASE_WAIT",
        default_value = "2s",
        value_parser = duration::parse
    )]
    pub database_wait: Duration,
}

impl ServeOptions {
    /// The limits of the server.
    pub fn limits(&self) -> Limits {
        Limits {
            max_connections: self.max_connections,
            max_calls: self.max_calls,
            max_concurrent_streams: self.max_concurrent_streams,
            max_unary_time: self.call_timeout,
            max_stream_time: self.stream_timeout,
            drain_timeout: self.drain_timeout,
            ..Limits::default()
        }
    }
}

/// Which database the flags and the environment choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseChoice {
    /// An existing PostgreSQL.
    Url {
        /// The URL, which may contain a password.
        url: String,
        /// The flag or variable it comes from.
        origin: &'static str,
    },
    /// The private PostgreSQL in this directory.
    Private(PathBuf),
}

impl DatabaseOptions {
    /// `DATABASE_URL` may belong to another project, so everything that names this program wins
    /// over it.
    pub fn choice(&self) -> DatabaseChoice {
        let variable = |name| env::var(name).ok().filter(|url| !url.is_empty());
        self.choose(
            variable("MAILING_GROUPS_DATABASE_URL"),
            variable("DATABASE_URL"),
        )
    }

    fn choose(&self, own: Option<String>, shared: Option<String>) -> DatabaseChoice {
        let flag = self.database_url.clone().filter(|url| !url.is_empty());
        let (url, origin) = match (flag, shared) {
            (Some(url), _) if own.as_ref() == Some(&url) => (url, "MAILING_GROUPS_DATABASE_URL"),
            (Some(url), _) => (url, "--database-url"),
            (None, Some(url)) if self.data_dir.is_none() => (url, "DATABASE_URL"),
            (None, _) => return self.private_choice(),
        };
        match self.private {
            true => self.private_choice(),
            false => DatabaseChoice::Url { url, origin },
        }
    }

    fn private_choice(&self) -> DatabaseChoice {
        let data_dir = self.data_dir.clone();
        DatabaseChoice::Private(data_dir.unwrap_or_else(|| "./data".into()))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(arguments: &[&str]) -> Result<ServeOptions, String> {
        let arguments = ["mailing-groups"].iter().chain(arguments);
        let cli = Cli::try_parse_from(arguments).map_err(|error| error.to_string())?;
        Ok(cli.serve)
    }

    fn choice(arguments: &[&str]) -> DatabaseChoice {
        let options = serve(arguments).expect("flags");
        options
            .database
            .choose(None, Some("postgres://other".into()))
    }

    #[test]
    fn whatever_names_this_program_wins_over_database_url() {
        let url = |url: &str, origin| DatabaseChoice::Url {
            url: url.to_owned(),
            origin,
        };
        assert_eq!(choice(&[]), url("postgres://other", "DATABASE_URL"));
        assert_eq!(
            choice(&["--database-url", "postgres://own", "--data-dir", "d"]),
            url("postgres://own", "--database-url")
        );
        assert_eq!(
            choice(&["--data-dir", "d"]),
            DatabaseChoice::Private("d".into())
        );
        assert_eq!(
            choice(&["--private"]),
            DatabaseChoice::Private("./data".into())
        );
        assert_eq!(
            choice(&["--private", "--database-url", "postgres://own"]),
            DatabaseChoice::Private("./data".into())
        );
    }

    #[test]
    fn durations_need_a_unit() {
        let options = serve(&["--call-timeout", "90s", "--database-wait", "500ms"]);
        let options = options.expect("durations");
        assert_eq!(options.call_timeout, Duration::from_secs(90));
        assert_eq!(options.database.database_wait, Duration::from_millis(500));
        for flag in [
            "--call-timeout",
            "--stream-timeout",
            "--drain-timeout",
            "--database-wait",
            "--history-retention",
        ] {
            let refused = serve(&[flag, "7"]).expect_err("no unit");
            assert!(refused.contains("write 7s, 5m or 7d"), "{refused}");
        }
    }

    #[test]
    fn addresses_are_resolved() {
        let listen = |text| serve(&["--listen", text]).map(|options| options.listen);
        let local = Ok(SocketAddr::from(([127, 0, 0, 1], 50051)));
        assert_eq!(listen("localhost:50051"), local);
        assert_eq!(listen("127.0.0.1:50051"), local);
        for wrong in ["50051", ":50051", "localhost"] {
            let refused = listen(wrong).expect_err("no address");
            assert!(refused.contains("write 127.0.0.1:50051"), "{refused}");
        }
    }
}
