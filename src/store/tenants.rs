//! Tenants by name. A tenant is created by its first write and never deleted.

use std::time::Duration;

use diesel::{
    prelude::*,
    sql_types::{Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use moka::sync::Cache;

use super::sql::sql;
use crate::{
    model::{TenantId, TenantName},
    schema::tenants,
};

/// A cache of tenants.
pub(crate) struct TenantCache(Cache<TenantName, TenantId>);

/// Maximum number of cached tenants.
const MAX_TENANTS: u64 = 100_000;

/// How long a tenant's number is used without another look: in a database that is restored in place
/// a tenant can get another number.
const TENANT_AGE: Duration = Duration::from_secs(5);

impl Default for TenantCache {
    fn default() -> Self {
        let cache = Cache::builder().max_capacity(MAX_TENANTS);
        Self(cache.time_to_live(TENANT_AGE).build())
    }
}

impl TenantCache {
    /// The tenant's number, if it is cached.
    pub(crate) fn get(&self, name: &TenantName) -> Option<TenantId> {
        self.0.get(name)
    }

    /// Caches a tenant.
    pub(crate) fn insert(&self, name: &TenantName, id: TenantId) {
        self.0.insert(name.clone(), id);
    }

    /// Forgets a tenant that turned out not to exist.
    pub(crate) fn remove(&self, name: &TenantName) {
        self.0.invalidate(name);
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
///
/// Numbers are random: those of tenants that are lost, by a failover to a standby that lags, are not
/// given to others, which servers that cache the number would take for the lost ones.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    name: &TenantName,
) -> QueryResult<TenantId> {
    // Until the commit, so that no two transactions create the same tenant.
    conn.batch_execute("LOCK TABLE tenants IN SHARE ROW EXCLUSIVE MODE")
        .await?;
    if let Some(tenant_id) = find(conn, name).await? {
        return Ok(tenant_id);
    }
    loop {
        let made = sql("WITH made AS ( \
                 INSERT INTO tenants (tenant_id, name) VALUES ($1, $2) \
                 ON CONFLICT ON CONSTRAINT tenants_pkey DO NOTHING RETURNING tenant_id) \
             INSERT INTO clocks (tenant_id) SELECT tenant_id FROM made")
        .bind::<Integer, _>(fastrand::i32(1..))
        .bind::<Text, _>(name.clone())
        .execute(conn)
        .await?;
        if made > 0
            && let Some(tenant_id) = find(conn, name).await?
        {
            return Ok(tenant_id);
        }
    }
}
