//! How far imports have come that can be continued.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Binary, Integer, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Transaction, sql::sql};
use crate::{
    model::{RequestId, Revision, TenantId, Time},
    schema::{import_rejections, imports},
};

/// How far an import has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, HasQuery)]
#[diesel(table_name = imports)]
pub(crate) struct Tally {
    /// Items answered for.
    pub(crate) processed_count: i64,
    /// Items that made something.
    pub(crate) created_count: i64,
    /// Items that changed something.
    pub(crate) updated_count: i64,
    /// Items refused.
    pub(crate) rejected_count: i64,
    /// The tenant's revision after the last chunk.
    pub(crate) revision: Revision,
}

/// What was refused: the item's place, and what its sender was told.
pub(crate) type Rejected = (i64, Vec<u8>);

/// The kind of an import, and how far it has come.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &RequestId,
) -> QueryResult<Option<(i16, Tally)>> {
    imports::table
        .find((tenant_id, id))
        .select((imports::kind, Tally::as_select()))
        .first(conn)
        .await
        .optional()
}

/// Up to a thousand rejections of an import, from an item on.
pub(crate) async fn rejections(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &RequestId,
    from: i64,
) -> QueryResult<Vec<Rejected>> {
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

/// Moves an import on from `before` items; answers 0 if it was not there.
pub(crate) async fn advance(
    tx: &mut Transaction,
    id: &RequestId,
    kind: i16,
    before: i64,
    tally: Tally,
) -> QueryResult<usize> {
    sql(
        "INSERT INTO imports (tenant_id, import_id, kind, processed_count, created_count, \
             updated_count, rejected_count, revision, update_time) \
         SELECT $1, $2, $3, $5, $6, $7, $8, $9, $10 WHERE $4 = 0 OR EXISTS ( \
             SELECT FROM imports i WHERE i.tenant_id = $1 AND i.import_id = $2) \
         ON CONFLICT ON CONSTRAINT imports_pkey DO UPDATE SET \
             processed_count = excluded.processed_count, \
             created_count = excluded.created_count, updated_count = excluded.updated_count, \
             rejected_count = excluded.rejected_count, revision = excluded.revision, \
             update_time = excluded.update_time \
         WHERE imports.kind = $3 AND imports.processed_count = $4",
    )
    .bind::<Integer, _>(tx.tenant_id())
    .bind::<Text, _>(id.clone())
    .bind::<SmallInt, _>(kind)
    .bind::<BigInt, _>(before)
    .bind::<BigInt, _>(tally.processed_count)
    .bind::<BigInt, _>(tally.created_count)
    .bind::<BigInt, _>(tally.updated_count)
    .bind::<BigInt, _>(tally.rejected_count)
    .bind::<BigInt, _>(tally.revision)
    .bind::<Timestamptz, _>(tx.time())
    .execute(tx)
    .await
}

/// Keeps what was refused.
pub(crate) async fn reject(
    tx: &mut Transaction,
    id: &RequestId,
    rejected: Vec<Rejected>,
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

/// Forgets up to a hundred imports that were last moved on before `before`.
pub(crate) async fn prune(conn: &mut AsyncPgConnection, before: Time) -> QueryResult<usize> {
    sql("DELETE FROM imports WHERE (tenant_id, import_id) IN ( \
             SELECT tenant_id, import_id FROM imports WHERE update_time < $1 LIMIT 100)")
    .bind::<Timestamptz, _>(before)
    .execute(conn)
    .await
}
