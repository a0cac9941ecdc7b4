//! What every connection is set to.

use tokio_postgres::{Client, SimpleQueryMessage};

/// Settings of every connection. `statement_timeout` is for the case that the client cannot cancel a
/// statement. A transaction of this program is idle for milliseconds: `idle_in_transaction_session_timeout`
/// ends those of a program that is frozen or cut off, whose tenants would have to wait. The settings of
/// TCP end its connections, which count against `max_connections`, and
/// `client_connection_check_interval` a statement soon after its client disconnects;
/// `plan_cache_mode` stays automatic. Statements and checks of foreign keys are planned once, often
/// while a table is nearly empty, and a plan with a sequential scan would be kept while the table
/// grows; every key starts with the tenant, so there is always an index to use. The rest is the
/// default of PostgreSQL, which a role or a database may have changed: at a stricter isolation level
/// concurrent writes would fail.
pub(super) const SESSION: &str = "SET statement_timeout = '10min'; \
    SET idle_in_transaction_session_timeout = '4s'; \
    SET tcp_user_timeout = '10s'; \
    SET tcp_keepalives_idle = 15; \
    SET tcp_keepalives_interval = 5; \
    SET tcp_keepalives_count = 3; \
    SET client_connection_check_interval = '1s'; \
    SET enable_seqscan = off; \
    SET jit = off; \
    SET default_transaction_isolation = 'read committed'; \
    SET standard_conforming_strings = on";

/// The setting of connections that only read, beside the others.
pub(super) const READ_ONLY: &str = "SET default_transaction_read_only = on";

/// What a new connection finds.
pub(super) struct Session {
    /// The process id of the backend.
    pub(super) backend: Option<i32>,
    /// Whether the database has Citus.
    pub(super) has_citus: bool,
}

/// Makes the settings, and `further` ones.
pub(super) async fn begin_session(
    client: &Client,
    further: &str,
) -> Result<Session, tokio_postgres::Error> {
    let statements = format!(
        "{SESSION}; {further}; \
         SELECT pg_backend_pid(), to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL"
    );
    let messages = client.simple_query(&statements).await?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(Session {
        backend: row.and_then(|row| row.get(0)?.parse().ok()),
        has_citus: row.is_some_and(|row| row.get(1) == Some("t")),
    })
}
