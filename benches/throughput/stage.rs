//! Databases with data, each with the program running on it.

use std::{ops::RangeInclusive, time::Duration};

use tokio_postgres::Client;

use super::progress::say;
use crate::support::{
    service::{self, Database, Service},
    setting,
};

/// Contacts of a tenant at `SCALE=1`.
const CONTACTS: f64 = 100_000.0;

/// h2load disconnects during its last calls, which the program would log. Whether all calls end
/// with OK is checked where they are made.
const QUIET: &[&str] = &["--log", "off"];

/// Flushes all writes to the disk, and updates the planner's statistics.
const SETTLE: &str = "VACUUM (ANALYZE) tenants, clocks, contacts, mailing_groups, memberships, \
    revisions, changes; CHECKPOINT";

/// How much, how often and how long is measured.
pub(crate) struct Settings {
    pub(crate) scale: f64,
    pub(crate) rounds: usize,
    /// How long one side of one round runs, where it runs by time.
    pub(crate) time: Duration,
    rows: String,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        Self {
            scale: setting("SCALE", 1.0),
            rounds: setting("ROUNDS", 5).max(1),
            time: Duration::from_secs(setting("RUN_SECONDS", 3).max(1)),
            rows: setting("ROWS", String::new()),
        }
    }

    /// Whether to measure a row.
    pub(crate) fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.split([',', ' ']).any(|wanted| wanted == row)
    }

    /// Contacts of a tenant, a multiple of a hundred.
    pub(crate) fn contacts(&self) -> u64 {
        ((self.scale * CONTACTS / 100.0) as u64).max(10) * 100
    }
}

/// A database and the program on it.
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) sql: Client,
    pub(crate) service: Service,
}

impl Stage {
    /// A new database; a copy of `template` if there is one, which must have no connections.
    pub(crate) async fn new(database: &Database, name: &str, template: Option<&str>) -> Self {
        let template = template.map(|name| format!("TEMPLATE {name}"));
        let text = format!("CREATE DATABASE {name} {}", template.unwrap_or_default());
        let sql = database.connect().await;
        sql.batch_execute(&text).await.expect("a database");
        let url = database.url_of(name);
        Self {
            name: name.to_owned(),
            service: Service::start(&url, QUIET),
            sql: service::connect(&url).await,
            url,
        }
    }

    /// Fills tenants, each with `contacts` contacts and 50 groups, and if `filled` with 5 groups
    /// a contact.
    pub(crate) async fn fill(&self, tenants: RangeInclusive<u64>, contacts: u64, filled: bool) {
        let text = include_str!("sql/fill.sql")
            .replace("$first", &tenants.start().to_string())
            .replace("$last", &tenants.end().to_string())
            .replace("$contacts", &contacts.to_string())
            .replace("$filled", if filled { "1" } else { "0" });
        let count = tenants.end() - tenants.start() + 1;
        say(&format!(
            "filling {count} × {contacts} contacts into {}",
            self.name
        ));
        self.execute(&text).await;
    }

    /// Runs statements, each a transaction by itself.
    pub(crate) async fn execute(&self, text: &str) {
        for statement in text.split(';') {
            let done = self.sql.batch_execute(statement).await;
            done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }

    /// Does the pending work of the measurement before.
    pub(crate) async fn settle(&self) {
        self.execute(SETTLE).await;
    }

    /// Ends the program on it and removes the database.
    pub(crate) async fn remove(self, database: &Database) {
        let Self { name, service, .. } = self;
        drop(service);
        let sql = database.connect().await;
        let text = format!("DROP DATABASE {name} WITH (FORCE)");
        sql.batch_execute(&text).await.expect("it is removed");
    }

    /// Ends the program on it and leaves the database to be copied.
    pub(crate) async fn close(self, database: &Database) {
        let Self {
            name, sql, service, ..
        } = self;
        drop((sql, service));
        let sql = database.connect().await;
        let text = format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        sql.batch_execute(&text).await.expect("no connections");
    }
}
