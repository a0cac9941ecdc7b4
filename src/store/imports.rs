//! The progress of imports that can be continued.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Binary, Integer, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Transaction, sql::sql};
use crate::{
    model::{ImportKind, RequestId, Revision, TenantId, Time},
    schema::{import_rejections, imports},
};

/// The progress of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, HasQuery)]
#[diesel(table_name = imports)]
pub(crate) struct ImportProgress {
    /// Items that were answered.
    pub(crate) processed_count: i64,
    /// Items that created a resource.
    pub(crate) created_count: i64,
    /// Items that changed a resource.
    pub(crate) updated_count: i64,
    /// Rejected items.
    pub(crate) rejected_count: i64,
    /// The tenant's revision after the last chunk.
    pub(crate) revision: Revision,
}

/// A rejection: the item's index, and the encoded answer.
pub(crate) type StoredRejection = (i64, Vec<u8>);

/// The kind and the progress of an import.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &RequestId,
) -> QueryResult<Option<(ImportKind, ImportProgress)>> {
    imports::table
        .find((tenant_id, id))
        .select((imports::kind, ImportProgress::as_select()))
        .first(conn)
        .await
        .optional()
}

/// Up to a thousand rejections of an import, from item `from` on.
pub(crate) async fn rejections(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &RequestId,
    from: i64,
) -> QueryResult<Vec<StoredRejection>> {
    import_rejections::table
        .filter(import_rejections::tenant_id.eq(tenant_id))
        .filter(import_rejections::import_id.eq(id))
        .filter(import_rejections::item_index.ge(from))
        .order(import_rejections::item_index)
        .limit(1_000)
        .select((import_rejections::item_index, import_rejections::answer))
        .load(conn)
        .await
}

/// Advances an import from `before` items; returns 0 if it was not at that position.
pub(crate) async fn advance(
    tx: &mut Transaction,
    id: &RequestId,
    kind: ImportKind,
    before: i64,
    progress: ImportProgress,
) -> QueryResult<usize> {
    sql(include_str!("sql/advance_import.sql"))
        .bind::<Integer, _>(tx.tenant_id())
        .bind::<Text, _>(id.clone())
        .bind::<SmallInt, _>(kind)
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(progress.processed_count)
        .bind::<BigInt, _>(progress.created_count)
        .bind::<BigInt, _>(progress.updated_count)
        .bind::<BigInt, _>(progress.rejected_count)
        .bind::<BigInt, _>(progress.revision)
        .bind::<Timestamptz, _>(tx.time())
        .execute(tx)
        .await
}

/// Stores rejections.
pub(crate) async fn insert_rejections(
    tx: &mut Transaction,
    id: &RequestId,
    rejected: Vec<StoredRejection>,
) -> QueryResult<usize> {
    let (indices, answers): (Vec<i64>, Vec<Vec<u8>>) = rejected.into_iter().unzip();
    sql(
        "INSERT INTO import_rejections (tenant_id, import_id, item_index, answer) \
         SELECT $1, $2, r.item_index, r.answer FROM unnest($3, $4) AS r (item_index, answer)",
    )
    .bind::<Integer, _>(tx.tenant_id())
    .bind::<Text, _>(id.clone())
    .bind::<Array<BigInt>, _>(indices)
    .bind::<Array<Binary>, _>(answers)
    .execute(tx)
    .await
}

/// Deletes up to a hundred imports whose last progress was before `before`.
pub(crate) async fn prune(conn: &mut AsyncPgConnection, before: Time) -> QueryResult<usize> {
    sql("DELETE FROM imports WHERE (tenant_id, import_id) IN ( \
             SELECT tenant_id, import_id FROM imports WHERE update_time < $1 LIMIT 100)")
    .bind::<Timestamptz, _>(before)
    .execute(conn)
    .await
}
