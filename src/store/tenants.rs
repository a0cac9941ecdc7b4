//! Tenants by name. A tenant is created by its first write and never deleted.

use std::{collections::HashMap, sync::RwLock};

use diesel::{
    prelude::*,
    sql_types::{Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::sql::sql;
use crate::{
    model::{TenantId, TenantName},
    schema::tenants,
};

/// A cache of tenants: each name is looked up in the database once.
#[derive(Default)]
pub(crate) struct TenantCache(RwLock<HashMap<TenantName, TenantId>>);

impl TenantCache {
    /// The tenant's number, if it is cached.
    pub(crate) fn get(&self, name: &TenantName) -> Option<TenantId> {
        self.0.read().ok()?.get(name).copied()
    }

    /// Caches a tenant.
    pub(crate) fn insert(&self, name: &TenantName, id: TenantId) {
        if let Ok(mut known) = self.0.write() {
            known.insert(name.clone(), id);
        }
    }
}

/// The tenant's number, if it exists.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    name: &TenantName,
) -> QueryResult<Option<TenantId>> {
    tenants::table
        .filter(tenants::name.eq(name))
        .select(tenants::tenant_id)
        .first(conn)
        .await
        .optional()
}

/// Creates the tenant if it does not exist, in the transaction of its first write.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    name: &TenantName,
) -> QueryResult<TenantId> {
    // Until the commit, so that no two transactions take the same number.
    conn.batch_execute("LOCK TABLE tenants IN SHARE ROW EXCLUSIVE MODE")
        .await?;
    if let Some(tenant_id) = find(conn, name).await? {
        return Ok(tenant_id);
    }
    let made: Made = sql("WITH made AS ( \
             INSERT INTO tenants (tenant_id, name) \
             SELECT coalesce(max(tenant_id), 0) + 1, $1 FROM tenants \
             RETURNING tenant_id) \
         INSERT INTO clocks (tenant_id) SELECT tenant_id FROM made RETURNING tenant_id")
    .bind::<Text, _>(name.clone())
    .get_result(conn)
    .await?;
    Ok(made.tenant_id)
}

#[derive(QueryableByName)]
struct Made {
    #[diesel(sql_type = Integer)]
    tenant_id: TenantId,
}
