//! The state of the database.

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Array, BigInt, Bool, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::sql::sql;
use crate::model::Time;

/// What a health check finds.
#[derive(QueryableByName)]
pub(crate) struct Health {
    /// Whether writes are refused.
    #[diesel(sql_type = Bool)]
    pub(crate) is_read_only: bool,
    /// The rows of the tables.
    #[diesel(sql_type = Array<BigInt>)]
    pub(crate) rows: Vec<i64>,
}

/// Reads a table, and the state.
pub(crate) async fn check(conn: &mut AsyncPgConnection) -> QueryResult<Health> {
    sql(include_str!("sql/health.sql")).get_result(conn).await
}

/// The time of the database, by which what is kept expires: the clocks of servers may differ.
pub(crate) async fn time(conn: &mut AsyncPgConnection) -> QueryResult<Time> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Timestamptz)]
        now: Time,
    }
    let row: Row = sql("SELECT now()").get_result(conn).await?;
    Ok(row.now)
}
