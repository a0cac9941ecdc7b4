//! Tenants by name.

mod deletion;

use std::time::Duration;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use moka::sync::Cache;

pub(crate) use self::deletion::{TenantDeletion, begin, find as find_deletion, prune};
use super::{
    Transaction,
    sql::{after_prefix, sql},
};
use crate::{
    model::{GrantedTenants, PageSize, RatedTenant, Tenant, TenantId, TenantLimits, TenantName},
    schema::{clocks, tenants},
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

    /// Removes a tenant that does not exist, or was deleted.
    pub(crate) fn remove(&self, name: &TenantName) {
        self.0.invalidate(name);
    }
}

/// The row of a tenant.
#[derive(HasQuery)]
#[diesel(table_name = tenants)]
pub(crate) struct TenantRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) deleting: bool,
}

/// The row of this tenant, if there is one.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    name: &TenantName,
) -> QueryResult<Option<TenantRow>> {
    TenantRow::query()
        .filter(tenants::name.eq(name))
        .first(conn)
        .await
        .optional()
}

/// The numbers of the existing ones among these tenants.
pub(crate) async fn numbers(
    conn: &mut AsyncPgConnection,
    names: Vec<TenantName>,
) -> QueryResult<Vec<(TenantName, TenantId)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: TenantName,
        #[diesel(sql_type = Integer)]
        tenant_id: TenantId,
    }
    let rows: Vec<Row> =
        sql("SELECT name, tenant_id FROM tenants WHERE name = ANY ($1) AND NOT deleting")
            .bind::<Array<Text>, _>(names)
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|it| (it.name, it.tenant_id)).collect())
}

/// This tenant with its counts, unless it is being deleted.
pub(crate) async fn get(
    conn: &mut AsyncPgConnection,
    name: &TenantName,
) -> QueryResult<Option<Tenant>> {
    match find(conn, name).await? {
        Some(row) => get_by_number(conn, row.tenant_id).await.optional(),
        None => Ok(None),
    }
}

async fn get_by_number(conn: &mut AsyncPgConnection, tenant_id: TenantId) -> QueryResult<Tenant> {
    sql(include_str!("sql/tenant.sql"))
        .bind::<Integer, _>(tenant_id)
        .get_result(conn)
        .await
}

/// How many groups a page of tenants sums up; one tenant may have more.
const MAX_GROUPS_SUMMED: i64 = 100_000;

/// A page of the granted tenants by name, after `after`, whose names start with `prefix`, and whether more
/// follow.
pub(crate) async fn page(
    conn: &mut AsyncPgConnection,
    granted: &GrantedTenants,
    prefix: &str,
    after: Option<&TenantName>,
    size: PageSize,
) -> QueryResult<(Vec<Tenant>, bool)> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        tenant: Tenant,
        #[diesel(sql_type = BigInt)]
        found: i64,
    }
    let granted = match granted {
        GrantedTenants::All => None,
        GrantedTenants::Named(names) => Some(names.iter().cloned().collect::<Vec<_>>()),
    };
    let mut rows: Vec<Row> = sql(include_str!("sql/tenants_page.sql"))
        .bind::<Text, _>(prefix.to_owned())
        .bind::<Text, _>(after_prefix(prefix))
        .bind::<Nullable<Text>, _>(after.cloned())
        .bind::<BigInt, _>(size.with_one_more())
        .bind::<Nullable<Array<Text>>, _>(granted)
        .bind::<BigInt, _>(MAX_GROUPS_SUMMED)
        .load(conn)
        .await?;
    rows.truncate(size.get());
    let found = rows.iter().map(|row| row.found).next();
    let more = found.is_some_and(|found| found > rows.len() as i64);
    Ok((rows.into_iter().map(|row| row.tenant).collect(), more))
}

/// Sets the limits of the transaction's tenant.
pub(crate) async fn set_limits(tx: &mut Transaction, limits: TenantLimits) -> QueryResult<usize> {
    diesel::update(tenants::table.find(tx.tenant_id()))
        .set((
            tenants::max_streams.eq(limits.rates.max_streams),
            tenants::max_calls_per_second.eq(limits.rates.max_calls_per_second),
        ))
        .execute(tx)
        .await?;
    diesel::update(clocks::table.find(tx.tenant_id()))
        .set((
            clocks::max_contacts.eq(limits.max_contacts),
            clocks::max_mailing_groups.eq(limits.max_mailing_groups),
            clocks::max_segments.eq(limits.max_segments),
        ))
        .execute(tx)
        .await
}

/// The tenants with limits that servers apply.
pub(crate) async fn rated(conn: &mut AsyncPgConnection) -> QueryResult<Vec<RatedTenant>> {
    sql(
        "SELECT name, max_streams, max_calls_per_second FROM tenants \
         WHERE max_streams > 0 OR max_calls_per_second > 0",
    )
    .load(conn)
    .await
}

/// Creates the tenant if it does not exist, in the transaction of its first write. Returns its number
/// and whether it is new; `NotFound` if it is being deleted.
///
/// Numbers are random: those of tenants that are lost, by a failover to a standby that lags, are not
/// given to others, which servers that cache the number would take for the lost ones.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    name: &TenantName,
) -> QueryResult<(TenantId, bool)> {
    // Until the commit, so that no two transactions create the same tenant.
    conn.batch_execute("LOCK TABLE tenants IN SHARE ROW EXCLUSIVE MODE")
        .await?;
    match find(conn, name).await? {
        Some(row) if row.deleting => return Err(diesel::result::Error::NotFound),
        Some(row) => return Ok((row.tenant_id, false)),
        None => {}
    }
    loop {
        let tenant_id = fastrand::i32(1..);
        let made = sql("INSERT INTO tenants (tenant_id, name) VALUES ($1, $2) \
             ON CONFLICT ON CONSTRAINT tenants_pkey DO NOTHING")
        .bind::<Integer, _>(tenant_id)
        .bind::<Text, _>(name.clone())
        .execute(conn)
        .await?;
        if made > 0 {
            diesel::insert_into(clocks::table)
                .values(clocks::tenant_id.eq(tenant_id))
                .execute(conn)
                .await?;
            return Ok((tenant_id, true));
        }
    }
}
