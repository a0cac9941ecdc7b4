//! Whether the database can be read and written.

use diesel::{QueryResult, QueryableByName, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::sql::sql;

/// Reads a table, and returns whether writes are refused.
pub(crate) async fn is_read_only(conn: &mut AsyncPgConnection) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        is_read_only: bool,
    }
    let row: Row = sql(include_str!("sql/is_read_only.sql"))
        .get_result(conn)
        .await?;
    Ok(row.is_read_only)
}
