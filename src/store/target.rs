//! The database that a URL names, before it is used.

use std::{fmt, time::Duration};

use tokio::time::timeout;
use tokio_postgres::config::{Config, Host};

use super::{
    ConnectError, InvalidUrl,
    connector::Connector,
    requirements::{self, Inspection},
};

/// Time limit of an inspection.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A database by its URL. Displays the database, host and port, never the user or the password.
pub struct Target {
    connector: Connector,
    name: String,
}

impl Target {
    /// Parses a URL; does not connect.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        let connector = Connector::new(url)?;
        let name = name(connector.config());
        Ok(Self { connector, name })
    }

    /// Connects, and inspects what the service requires of the database.
    pub async fn inspect(&self) -> Result<Inspection, ConnectError> {
        let inspected = async {
            let (client, _) = self.connector.open().await?;
            let (other, _) = self.connector.open().await?;
            let inspection = requirements::inspect(&client, &other).await;
            inspection.map_err(ConnectError::Driver)
        };
        timeout(TIME_LIMIT, inspected)
            .await
            .unwrap_or(Err(ConnectError::TimedOut))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn name(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| {
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(host) => format!("{host}:{port}"),
            #[cfg(unix)]
            Host::Unix(directory) => format!("{}:{port}", directory.display()),
        }
    });
    let hosts: Vec<_> = hosts.collect();
    let database = config
        .get_dbname()
        .or(config.get_user())
        .unwrap_or_default();
    format!("database {database} on {}", hosts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_shows_no_credentials() {
        let target = Target::new("postgres://me:secret@db.example:5433/groups").expect("a URL");
        assert_eq!(target.to_string(), "database groups on db.example:5433");
        let target = Target::new("postgres://me:secret@localhost/groups").expect("a URL");
        assert_eq!(target.to_string(), "database groups on localhost:5432");
        let target = Target::new("postgres://me:secret@a:1,b:2/groups").expect("a URL");
        assert_eq!(target.to_string(), "database groups on a:1,b:2");
    }

    #[test]
    fn an_invalid_url_is_refused_with_an_example() {
        for url in ["foo", "mysql://x/y", "postgres://me:secret@h:port/x"] {
            let error = Target::new(url).err().expect("not a URL").to_string();
            assert!(error.contains("postgres://user:password@"), "{error}");
        }
    }
}
