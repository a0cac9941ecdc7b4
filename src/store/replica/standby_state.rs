//! What a standby shows.

use std::sync::LazyLock;

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Bool, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{Commit, TenantId},
    store::{log::Head, migrate, sql::sql},
};

/// The migration that a standby must have, as those before it.
static MIGRATION: LazyLock<String> = LazyLock::new(|| {
    let last = migrate::known().pop();
    last.map_or_else(String::new, |(version, _)| version)
});

/// What a standby shows of a tenant.
#[derive(QueryableByName)]
pub(super) struct StandbyState {
    #[diesel(sql_type = Bool)]
    is_standby: bool,
    #[diesel(sql_type = Bool)]
    is_migrated: bool,
    #[diesel(sql_type = BigInt)]
    pub(super) commit_of_revision: i64,
    #[diesel(embed)]
    pub(super) head: Head,
}

impl StandbyState {
    /// Why nothing can be read there.
    pub(super) fn unusable_reason(&self) -> Option<&'static str> {
        match (self.is_standby, self.is_migrated) {
            (false, _) => Some("it is no standby"),
            (true, false) => Some("it does not have the present tables yet"),
            (true, true) => None,
        }
    }
}

/// Looks at a tenant.
pub(super) async fn read_state(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    shown: Commit,
) -> QueryResult<StandbyState> {
    sql(include_str!("../sql/replica_look.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<BigInt, _>(shown.revision)
        .bind::<Text, _>(MIGRATION.clone())
        .get_result(conn)
        .await
}
