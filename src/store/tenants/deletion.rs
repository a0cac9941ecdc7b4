//! Deletes tenants, in transactions of a bounded number of rows.

use diesel::{
    dsl,
    prelude::*,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::get_by_number;
use crate::{
    model::{RequestId, TenantCounts, TenantId, TenantName, Time},
    schema::{clocks, deleted_tenants, tenants},
    store::{Transaction, sql::sql},
};

/// Maximum number of rows that one transaction deletes.
const MAX_ROWS: i64 = 10_000;

/// Deletes up to `$2` rows of the tenant `$1` from a table. See `assign.sql` for ctid.
macro_rules! delete_from {
    ($table:literal $(, $condition:literal)?) => {
        concat!(
            "DELETE FROM ", $table, " WHERE tenant_id = $1::float8 AND ctid = ANY (ARRAY(SELECT ctid FROM ",
            $table, " WHERE tenant_id = $1", $(" AND ", $condition,)? " LIMIT $2))"
        )
    };
}

/// Tables before those that they refer to.
const DELETIONS: [&str; 16] = [
    delete_from!("memberships"),
    delete_from!("import_rejections"),
    delete_from!("imports"),
    delete_from!("requests"),
    delete_from!("changes"),
    delete_from!("revisions"),
    delete_from!("segment_actions"),
    delete_from!("segments"),
    delete_from!("saved_criteria_actions"),
    delete_from!("saved_criteria"),
    delete_from!("merged_contacts"),
    delete_from!("former_codes"),
    delete_from!("mailing_groups"),
    delete_from!("contact_attributes"),
    // People before their companies.
    delete_from!("contacts", "company_id IS NOT NULL"),
    delete_from!("contacts"),
];

/// A deletion that was begun.
#[derive(Debug, QueryableByName)]
pub(crate) struct TenantDeletion {
    #[diesel(sql_type = Integer)]
    tenant_id: TenantId,
    /// What the tenant had.
    #[diesel(embed)]
    pub(crate) counts: TenantCounts,
}

/// Begins the deletion of the transaction's tenant: keeps what it had, marks it, and removes what all its
/// writes lock.
pub(crate) async fn begin(
    tx: &mut Transaction,
    request_id: Option<&RequestId>,
) -> QueryResult<TenantDeletion> {
    let tenant_id = tx.tenant_id();
    let tenant = get_by_number(tx, tenant_id).await?;
    let counts = tenant.counts;
    diesel::insert_into(deleted_tenants::table)
        .values((
            deleted_tenants::tenant_id.eq(tenant_id),
            deleted_tenants::name.eq(tenant.name),
            deleted_tenants::request_id.eq(request_id),
            deleted_tenants::mailing_group_count.eq(counts.mailing_group_count),
            deleted_tenants::contact_count.eq(counts.contact_count),
            deleted_tenants::membership_count.eq(counts.membership_count),
            deleted_tenants::segment_count.eq(counts.segment_count),
            deleted_tenants::delete_time.eq(dsl::now),
        ))
        .execute(tx)
        .await?;
    diesel::update(tenants::table.find(tenant_id))
        .set(tenants::deleting.eq(true))
        .execute(tx)
        .await?;
    diesel::delete(clocks::table.find(tenant_id))
        .execute(tx)
        .await?;
    Ok(TenantDeletion { tenant_id, counts })
}

/// The deletion that this request began; else one of this tenant that is not complete.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    name: &TenantName,
    request_id: Option<&RequestId>,
) -> QueryResult<Option<TenantDeletion>> {
    sql(include_str!("../sql/find_tenant_deletion.sql"))
        .bind::<Text, _>(name.clone())
        .bind::<Nullable<Text>, _>(request_id.cloned())
        .get_result(conn)
        .await
        .optional()
}

impl TenantDeletion {
    /// Deletes everything, in transactions of at most [`MAX_ROWS`] rows. If it ends early, it can be
    /// called again.
    pub(crate) async fn run(&self, conn: &mut AsyncPgConnection) -> QueryResult<()> {
        for text in DELETIONS {
            while self.step(conn, text).await? {}
        }
        // Of the last row only: each node of Citus has it at another location.
        let tenant = tenants::table
            .find(self.tenant_id)
            .filter(tenants::deleting);
        diesel::delete(tenant).execute(conn).await?;
        Ok(())
    }

    /// Deletes some rows; returns whether there may be more.
    async fn step(&self, conn: &mut AsyncPgConnection, text: &'static str) -> QueryResult<bool> {
        // An index scan reads as many rows as are deleted, and passes over those that were deleted before.
        // A bitmap would take the rest of the table each time.
        conn.batch_execute("BEGIN; SET LOCAL enable_bitmapscan = off")
            .await?;
        let deleted = self.delete(conn, text).await;
        let end = if deleted.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        conn.batch_execute(end).await?;
        Ok(deleted? == MAX_ROWS)
    }

    async fn delete(&self, conn: &mut AsyncPgConnection, text: &'static str) -> QueryResult<i64> {
        // Another call that deletes the same tenant waits, and then continues with the rest.
        let locked = tenants::table
            .find(self.tenant_id)
            .filter(tenants::deleting)
            .select(tenants::tenant_id)
            .for_update();
        let locked: Option<TenantId> = locked.first(conn).await.optional()?;
        if locked.is_none() {
            return Ok(0);
        }
        let rows = sql(text)
            .bind::<Integer, _>(self.tenant_id)
            .bind::<BigInt, _>(MAX_ROWS)
            .execute(conn)
            .await?;
        Ok(i64::try_from(rows).unwrap_or(MAX_ROWS))
    }
}

/// Deletes the records of up to a thousand complete deletions that were begun before `before`; returns
/// how many.
pub(crate) async fn prune(conn: &mut AsyncPgConnection, before: Time) -> QueryResult<usize> {
    sql("DELETE FROM deleted_tenants WHERE tenant_id IN ( \
             SELECT d.tenant_id FROM deleted_tenants d WHERE d.delete_time < $1 AND NOT EXISTS ( \
                 SELECT FROM tenants t WHERE t.tenant_id = d.tenant_id) \
             LIMIT 1000)")
    .bind::<Timestamptz, _>(before)
    .execute(conn)
    .await
}
