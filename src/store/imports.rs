//! The progress of imports that can be continued.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Jsonb, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};

use super::{Transaction, sql::sql};
use crate::{
    model::{Code, ImportKind, RequestId, Revision, TenantId, Time},
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
    /// Items that a later item of the same id and chunk contradicted.
    pub(crate) superseded_count: i64,
    /// Rejected items.
    pub(crate) rejected_count: i64,
    /// The tenant's revision after the last chunk.
    pub(crate) revision: Revision,
}

/// What an import is started with, and has to be continued with.
#[derive(Debug, Clone, PartialEq, Eq, HasQuery)]
#[diesel(table_name = imports)]
pub(crate) struct ImportSource {
    pub(crate) kind: ImportKind,
    /// What identifies the content, chosen by the caller; may be empty.
    pub(crate) fingerprint: String,
    /// The fields that the items carry; empty for all.
    pub(crate) update_mask: String,
}

/// An import as stored.
#[derive(Debug, HasQuery)]
#[diesel(table_name = imports)]
pub(crate) struct StoredImport {
    #[diesel(embed)]
    pub(crate) source: ImportSource,
    #[diesel(embed)]
    pub(crate) progress: ImportProgress,
    /// Whether it takes nothing more.
    pub(crate) finished: bool,
}

/// Why an item was rejected. Holds nothing of the item's content, which could outlive a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "version")]
pub(crate) enum StoredRejection {
    #[serde(rename = "1")]
    V1 {
        /// The field of a contact, or the outcome of an assignment.
        subject: String,
        /// What would be right.
        reason: String,
        /// The former name that the item uses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former_name: Option<StoredName>,
    },
}

/// A former name as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoredName {
    /// The number of a merged contact, whose id must not outlive it.
    ContactNumber(i32),
    /// The former code of a group.
    Code(Code),
}

/// The import with this id.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &RequestId,
) -> QueryResult<Option<StoredImport>> {
    StoredImport::query()
        .find((tenant_id, id))
        .first(conn)
        .await
        .optional()
}

/// Up to a thousand rejections of an import with the indices of their items, from item `from` on.
pub(crate) async fn rejections(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &RequestId,
    from: i64,
) -> QueryResult<Vec<(i64, serde_json::Value)>> {
    import_rejections::table
        .filter(import_rejections::tenant_id.eq(tenant_id))
        .filter(import_rejections::import_id.eq(id))
        .filter(import_rejections::item_index.ge(from))
        .order(import_rejections::item_index)
        .limit(1_000)
        .select((import_rejections::item_index, import_rejections::rejection))
        .load(conn)
        .await
}

/// Advances an import from `before` items, of which 0 starts it; returns 0 if it was not at that position, or is finished.
pub(crate) async fn advance(
    tx: &mut Transaction,
    id: &RequestId,
    source: &ImportSource,
    before: i64,
    progress: ImportProgress,
    finished: bool,
) -> QueryResult<usize> {
    let text = match before {
        0 => include_str!("sql/start_import.sql"),
        _ => include_str!("sql/advance_import.sql"),
    };
    sql(text)
        .bind::<Integer, _>(tx.tenant_id())
        .bind::<Text, _>(id.clone())
        .bind::<SmallInt, _>(source.kind)
        .bind::<Text, _>(source.fingerprint.clone())
        .bind::<Text, _>(source.update_mask.clone())
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(progress.processed_count)
        .bind::<BigInt, _>(progress.created_count)
        .bind::<BigInt, _>(progress.updated_count)
        .bind::<BigInt, _>(progress.superseded_count)
        .bind::<BigInt, _>(progress.rejected_count)
        .bind::<BigInt, _>(progress.revision)
        .bind::<Bool, _>(finished)
        .execute(tx)
        .await
}

/// Stores rejections with the indices of their items. See `insert_contacts.sql` for clocks.
pub(crate) async fn insert_rejections(
    tx: &mut Transaction,
    id: &RequestId,
    rejected: Vec<(i64, serde_json::Value)>,
) -> QueryResult<usize> {
    let (indices, rejections): (Vec<i64>, Vec<serde_json::Value>) = rejected.into_iter().unzip();
    sql(
        "INSERT INTO import_rejections (tenant_id, import_id, item_index, rejection) \
         SELECT c.tenant_id, $2, r.item_index, r.rejection \
         FROM clocks c CROSS JOIN unnest($3, $4) AS r (item_index, rejection) \
         WHERE c.tenant_id = $1",
    )
    .bind::<Integer, _>(tx.tenant_id())
    .bind::<Text, _>(id.clone())
    .bind::<Array<BigInt>, _>(indices)
    .bind::<Array<Jsonb>, _>(rejections)
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
