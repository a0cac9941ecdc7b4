//! The flags of the database, and which database they choose.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use crate::duration;

/// The flags of the database.
#[derive(Debug, Clone, Args)]
pub struct DatabaseOptions {
    /// URL of a PostgreSQL 14 or newer: postgres://user:password@host:5432/database, optionally
    /// with ?sslmode=disable, allow, prefer, require, verify-ca or verify-full, and with
    /// sslrootcert, sslcert, sslkey and passfile
    /// [env: MAILING_GROUPS_DATABASE_URL or DATABASE_URL]
    #[arg(
        long,
        value_name = "URL",
        env = "MAILING_GROUPS_DATABASE_URL",
        hide_env = true,
        hide_env_values = true
    )]
    pub database_url: Option<String>,
    /// File with the database URL, which other users of this computer cannot read
    #[arg(
        long,
        value_name = "FILE",
        env = "MAILING_GROUPS_DATABASE_URL_FILE",
        conflicts_with = "database_url"
    )]
    pub database_url_file: Option<PathBuf>,
    /// Use the private PostgreSQL even if a database URL is set
    #[arg(long, env = "MAILING_GROUPS_PRIVATE")]
    pub private: bool,
    /// Directory of the private PostgreSQL [default: ./data]; if set, DATABASE_URL is ignored
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
    /// How long to wait for another process that migrates the database
    #[arg(
        long,
        value_name = "DURATION",
        env = "MAILING_GROUPS_MIGRATION_WAIT",
        default_value = "60s",
        value_parser = duration::parse
    )]
    pub migration_wait: Duration,
}

/// The flags of `migrate`.
#[derive(Debug, Clone, Args)]
pub struct MigrateOptions {
    /// The database.
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// Distribute the tables by tenant over the workers of Citus, of which the database has to be the
    /// coordinator
    #[arg(long)]
    pub distribute: bool,
}

/// The flags of a replica for reads.
#[derive(Debug, Clone, Args)]
pub struct ReplicaOptions {
    /// URL of a standby of the database (streaming replication), which answers lists and exports and loads
    /// sets of contacts as long as it shows what the database does; else the database does so
    #[arg(
        long,
        value_name = "URL",
        env = "MAILING_GROUPS_READ_DATABASE_URL",
        hide_env_values = true
    )]
    pub read_database_url: Option<String>,
    /// File with the URL of the standby
    #[arg(
        long,
        value_name = "FILE",
        env = "MAILING_GROUPS_READ_DATABASE_URL_FILE",
        conflicts_with = "read_database_url"
    )]
    pub read_database_url_file: Option<PathBuf>,
}

impl ReplicaOptions {
    /// The URL, if there is a standby, and the flag that it comes from.
    ///
    /// # Errors
    ///
    /// If the file with the URL cannot be read or is empty.
    pub fn url(&self) -> io::Result<Option<(String, &'static str)>> {
        if let Some(path) = &self.read_database_url_file {
            return Ok(Some((url_in(path)?, "--read-database-url-file")));
        }
        let url = self.read_database_url.clone().filter(|url| !url.is_empty());
        Ok(url.map(|url| (url, "--read-database-url")))
    }
}

/// The URL in a file.
fn url_in(path: &Path) -> io::Result<String> {
    let url = fs::read_to_string(path)?.trim().to_owned();
    match url.is_empty() {
        true => Err(io::Error::other("the file is empty")),
        false => Ok(url),
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
    ///
    /// # Errors
    ///
    /// If the file with the URL cannot be read or is empty.
    pub fn choice(&self) -> io::Result<DatabaseChoice> {
        if let Some(path) = &self.database_url_file
            && !self.private
        {
            let origin = "--database-url-file";
            return url_in(path).map(|url| DatabaseChoice::Url { url, origin });
        }
        let variable = |name| env::var(name).ok().filter(|url| !url.is_empty());
        Ok(self.choose(
            variable("MAILING_GROUPS_DATABASE_URL"),
            variable("DATABASE_URL"),
        ))
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::Cli;

    fn choice(arguments: &[&str]) -> DatabaseChoice {
        let arguments = ["mailing-groups"].iter().chain(arguments);
        let cli = Cli::try_parse_from(arguments).expect("flags");
        cli.serve
            .database
            .choose(None, Some("postgres://other".into()))
    }

    #[test]
    fn a_standby_is_named_by_a_flag_or_in_a_file() {
        let parse = |arguments: &[&str]| {
            let arguments = ["mailing-groups"].iter().chain(arguments);
            Cli::try_parse_from(arguments).map(|cli| cli.serve.replica)
        };
        let flag = ["--read-database-url", "postgres://two"];
        let named = parse(&flag).expect("a flag").url().expect("no file");
        assert_eq!(
            named,
            Some(("postgres://two".to_owned(), "--read-database-url"))
        );
        assert_eq!(parse(&[]).expect("none").url().expect("no file"), None);
        let file = ["--read-database-url-file", "/missing"];
        assert!(parse(&file).expect("a flag").url().is_err());
        assert!(parse(&[flag, file].concat()).is_err());
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
}
