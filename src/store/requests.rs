//! Records of requests that carried a `request_id`.

use diesel::{
    prelude::*,
    sql_types::{Binary, Integer, Jsonb, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::{Transaction, sql::sql};
use crate::{
    model::{RequestId, TenantId, Time},
    schema::requests,
};

/// The payload's digest and the record of the request with this id, if it was answered after
/// `since`.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &RequestId,
    since: Time,
) -> QueryResult<Option<(Vec<u8>, Value)>> {
    requests::table
        .find((tenant_id, id))
        .filter(requests::create_time.gt(since))
        .select((requests::digest, requests::answer))
        .first(conn)
        .await
        .optional()
}

/// Stores a record; replaces an expired one.
pub(crate) async fn insert(
    tx: &mut Transaction,
    id: &RequestId,
    digest: [u8; 32],
    answer: Value,
) -> QueryResult<usize> {
    sql(
        "INSERT INTO requests (tenant_id, request_id, digest, answer, create_time) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT ON CONSTRAINT requests_pkey DO UPDATE SET digest = excluded.digest, \
             answer = excluded.answer, create_time = excluded.create_time",
    )
    .bind::<Integer, _>(tx.tenant_id())
    .bind::<Text, _>(id.clone())
    .bind::<Binary, _>(digest.to_vec())
    .bind::<Jsonb, _>(answer)
    .bind::<Timestamptz, _>(tx.time())
    .execute(tx)
    .await
}

/// Deletes up to a thousand records made before `before` and returns how many.
pub(crate) async fn prune(conn: &mut AsyncPgConnection, before: Time) -> QueryResult<usize> {
    sql("DELETE FROM requests WHERE (tenant_id, request_id) IN ( \
             SELECT tenant_id, request_id FROM requests WHERE create_time < $1 LIMIT 1000)")
    .bind::<Timestamptz, _>(before)
    .execute(conn)
    .await
}
