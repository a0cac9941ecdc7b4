//! Checks that a database is sound: that its tables agree with each other and with the rules of the
//! program.
//!
//! A tenant is read in one snapshot, which has each of its writes whole or not at all: servers that
//! write meanwhile neither wait nor cause a finding. Findings name numbers and ids, no contents.

mod findings;
mod sets;
mod statements;
mod texts;

use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Bool, Integer, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use self::findings::Findings;
pub use self::findings::{Finding, Invariant};
use super::{InvalidUrl, QueryError, connector::Connector, session, sql::sql};
use crate::model::{Revision, TenantId};

/// Settings of the connection, after those of all others. Everything of a tenant is read and joined, of
/// which the planner does not know how much it is: a look-up for each row would be slow. A snapshot keeps
/// PostgreSQL from vacuuming, so one that is not used any more ends.
const SESSION: &str = "SET statement_timeout = 0; \
    SET idle_in_transaction_session_timeout = '5min'; \
    SET plan_cache_mode = force_custom_plan; \
    SET enable_seqscan = on; \
    SET enable_nestloop = off; \
    SET work_mem = '64MB'";

/// Why a database cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The URL cannot be read.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// The database does not answer.
    #[error("the database does not answer")]
    Connect(#[from] diesel::ConnectionError),
    /// There is no such tenant.
    #[error("there is no tenant {0}")]
    NoTenant(String),
    /// A query failed.
    #[error("a query failed")]
    Query(#[from] QueryError),
}

/// Called with what is being read.
pub type CheckProgress<'p> = &'p (dyn Fn(&str) + Sync);

/// A connection to a database that is checked.
pub struct Checker(AsyncPgConnection);

/// A tenant after its check.
#[derive(Debug)]
pub struct CheckedTenant {
    /// Its name.
    pub name: String,
    /// The revision that was checked; `None` if the tenant is being deleted.
    pub revision: Option<Revision>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// The tenant that is checked, in the snapshot of the check.
#[derive(QueryableByName)]
struct Subject {
    #[diesel(sql_type = Integer)]
    tenant_id: TenantId,
    #[diesel(sql_type = Bool)]
    deleting: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    revision: Option<Revision>,
    #[diesel(sql_type = Nullable<BigInt>)]
    history_start: Option<Revision>,
    #[diesel(sql_type = Nullable<Integer>)]
    next_contact_number: Option<i32>,
}

impl Checker {
    /// Connects to a database whose tables are those of this program.
    pub async fn open(url: &str) -> Result<Self, CheckError> {
        let connector = Connector::new(url)?;
        let mut connection = connector.connect().await?;
        let session = format!("{}; {SESSION}", session::SESSION);
        connection.batch_execute(&session).await?;
        Ok(Self(connection))
    }

    /// The names of all tenants.
    pub async fn tenants(&mut self) -> Result<Vec<String>, CheckError> {
        #[derive(QueryableByName)]
        struct Named {
            #[diesel(sql_type = Text)]
            name: String,
        }
        let named: Vec<Named> = sql("SELECT name FROM tenants ORDER BY name")
            .load(&mut self.0)
            .await?;
        Ok(named.into_iter().map(|it| it.name).collect())
    }

    /// Checks what does not belong to one tenant.
    pub async fn check_database(
        &mut self,
        progress: CheckProgress<'_>,
    ) -> Result<Vec<Finding>, CheckError> {
        let mut findings = Findings::default();
        self.begin().await?;
        for statement in statements::database() {
            progress(statement.invariant.name);
            statement.run(&mut self.0, None, &mut findings).await?;
        }
        self.end().await?;
        Ok(findings.into())
    }

    /// Checks a tenant.
    pub async fn check_tenant(
        &mut self,
        name: String,
        progress: CheckProgress<'_>,
    ) -> Result<CheckedTenant, CheckError> {
        let mut findings = Findings::default();
        self.begin().await?;
        let Some(tenant) = self.subject(&name).await? else {
            self.end().await?;
            return Err(CheckError::NoTenant(name));
        };
        for statement in statements::tenant(tenant.deleting) {
            progress(statement.invariant.name);
            let id = Some(tenant.tenant_id);
            statement.run(&mut self.0, id, &mut findings).await?;
        }
        if !tenant.deleting {
            progress("texts");
            texts::check(&mut self.0, tenant.tenant_id, &mut findings).await?;
            progress("sets of contacts");
            sets::check(&mut self.0, &tenant, &mut findings).await?;
        }
        self.end().await?;
        Ok(CheckedTenant {
            name,
            revision: tenant.revision,
            findings: findings.into(),
        })
    }

    async fn subject(&mut self, name: &str) -> Result<Option<Subject>, QueryError> {
        sql(
            "SELECT t.tenant_id, t.deleting, c.revision, c.history_start, c.next_contact_number \
             FROM tenants t LEFT JOIN clocks c ON c.tenant_id = t.tenant_id WHERE t.name = $1",
        )
        .bind::<Text, _>(name.to_owned())
        .get_result(&mut self.0)
        .await
        .optional()
    }

    async fn begin(&mut self) -> Result<(), QueryError> {
        let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        self.0.batch_execute(snapshot).await
    }

    async fn end(&mut self) -> Result<(), QueryError> {
        self.0.batch_execute("ROLLBACK").await
    }
}
