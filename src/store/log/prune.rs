//! Deletes old revisions from the change log.

use diesel::{
    prelude::*,
    sql_types::{BigInt, Integer, Nullable, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::{
    model::{Revision, TenantId, Time},
    store::sql::sql,
};

/// The tenants whose log reaches further back than `before`.
pub(crate) async fn prunable(
    conn: &mut AsyncPgConnection,
    before: Time,
) -> QueryResult<Vec<TenantId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        tenant_id: TenantId,
    }
    let rows: Vec<Row> = sql("SELECT c.tenant_id FROM clocks c \
         JOIN revisions r ON r.tenant_id = c.tenant_id AND r.revision = c.history_start + 1 \
         WHERE r.commit_time < $1")
    .bind::<Timestamptz, _>(before)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.tenant_id).collect())
}

/// Deletes up to a thousand of a tenant's oldest revisions that were committed before `before`;
/// returns whether there were any. It locks the revision counter only at the end, for a moment.
pub(crate) async fn prune(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    before: Time,
) -> QueryResult<bool> {
    conn.batch_execute("BEGIN").await?;
    let pruned = prune_in_transaction(conn, tenant_id, before).await;
    let end = if pruned.is_ok() { "COMMIT" } else { "ROLLBACK" };
    conn.batch_execute(end).await?;
    pruned
}

async fn prune_in_transaction(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    before: Time,
) -> QueryResult<bool> {
    let Some(last) = prunable_revision(conn, tenant_id, before).await? else {
        return Ok(false);
    };
    let mut changed = 0;
    for text in [
        "DELETE FROM changes WHERE tenant_id = $1 AND revision <= $2",
        "UPDATE clocks c SET history_start = r.revision, history_commit_id = r.commit_id \
         FROM revisions r WHERE c.tenant_id = $1 AND c.history_start < $2 \
             AND r.tenant_id = $1 AND r.revision = $2",
        "DELETE FROM revisions WHERE tenant_id = $1 AND revision <= $2",
    ] {
        changed = sql(text)
            .bind::<Integer, _>(tenant_id)
            .bind::<BigInt, _>(last)
            .execute(conn)
            .await?;
    }
    Ok(changed > 0)
}

async fn prunable_revision(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    before: Time,
) -> QueryResult<Option<Revision>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<BigInt>)]
        last: Option<Revision>,
    }
    let row: Row = sql(include_str!("../sql/prunable_revision.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Timestamptz, _>(before)
        .get_result(conn)
        .await?;
    Ok(row.last)
}
