//! Direct access to the database, to observe the service there and to hold locks.

use tokio_postgres::{Client, Error, Row, types::ToSql};

use super::{postgres, wait::eventually};

/// A dedicated connection; closed when dropped.
pub(crate) struct Sql(Client);

impl Sql {
    /// Connects.
    pub(crate) async fn connect(url: &str) -> Self {
        Self::try_connect(url).await.unwrap()
    }

    /// Connects, if the database takes connections.
    pub(crate) async fn try_connect(url: &str) -> Result<Self, Error> {
        postgres::connect(url).await.map(Self)
    }

    /// Rows, if the database answers.
    pub(crate) async fn try_rows(&self, query: &str) -> Result<Vec<Row>, Error> {
        self.0.query(query, &[]).await
    }

    /// Runs statements.
    pub(crate) async fn run(&self, statements: &str) {
        self.0.batch_execute(statements).await.unwrap();
    }

    /// Rows.
    pub(crate) async fn rows(&self, query: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        self.0.query(query, parameters).await.unwrap()
    }

    /// One number.
    pub(crate) async fn number(&self, query: &str, parameters: &[&(dyn ToSql + Sync)]) -> i64 {
        self.0.query_one(query, parameters).await.unwrap().get(0)
    }

    /// The number that a tenant has in the tables.
    pub(crate) async fn tenant_id(&self, name: &str) -> i32 {
        let query = "SELECT tenant_id FROM tenants WHERE name = $1";
        self.0.query_one(query, &[&name]).await.unwrap().get(0)
    }

    /// Opens a transaction that holds a tenant's clock, so that its writes wait.
    pub(crate) async fn hold_clock(&self, tenant_name: &str) {
        let tenant_id = self.tenant_id(tenant_name).await;
        let lock = format!("BEGIN; SELECT 1 FROM clocks WHERE tenant_id = {tenant_id} FOR UPDATE");
        self.run(&lock).await;
    }

    /// Keeps all contacts from being read, until it is dropped.
    pub(crate) async fn lock_contacts(url: &str) -> Self {
        let sql = Self::connect(url).await;
        sql.run("BEGIN; LOCK TABLE contacts").await;
        sql
    }

    /// How many of the service's backends do something or hold a transaction open.
    pub(crate) async fn busy(&self) -> i64 {
        self.backends("state <> 'idle'").await
    }

    /// How many of the service's backends wait for a lock.
    pub(crate) async fn waiting(&self) -> i64 {
        self.backends("wait_event_type = 'Lock'").await
    }

    /// The number of the service's backends of this database that meet a condition.
    pub(crate) async fn backends(&self, so: &str) -> i64 {
        let query = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = 'mailing-groups' AND {so}"
        );
        self.number(&query, &[]).await
    }

    /// Waits until so many of the service's backends wait for a lock.
    pub(crate) async fn until_waiting(&self, count: i64) {
        eventually(async || (self.waiting().await == count).then_some(())).await;
    }

    /// Waits until some of the service's backends wait for a lock.
    pub(crate) async fn until_any_waits(&self) {
        eventually(async || (self.waiting().await > 0).then_some(())).await;
    }

    /// Waits until none of the service's backends does anything.
    pub(crate) async fn until_quiet(&self) {
        eventually(async || (self.busy().await == 0).then_some(())).await;
    }
}
