//! Records of requests that carried a `request_id`.

use chrono::TimeDelta;
use diesel::{
    dsl,
    prelude::*,
    sql_types::{Binary, Bool, Double, Integer, Jsonb, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::{Transaction, sql::sql};
use crate::{
    model::{RequestId, TenantId, Time},
    schema::requests,
};

/// The payload's digest and the record of the request with this id, if it was answered less than `kept`
/// ago, by the clock of the database.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &RequestId,
    kept: TimeDelta,
) -> QueryResult<Option<(Vec<u8>, Value)>> {
    requests::table
        .find((tenant_id, id))
        .filter(
            dsl::sql::<Bool>("create_time > now() - make_interval(secs => ")
                .bind::<Double, _>(kept.as_seconds_f64())
                .sql(")"),
        )
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
         VALUES ($1, $2, $3, $4, now()) \
         ON CONFLICT ON CONSTRAINT requests_pkey DO UPDATE SET digest = excluded.digest, \
             answer = excluded.answer, create_time = excluded.create_time",
    )
    .bind::<Integer, _>(tx.tenant_id())
    .bind::<Text, _>(id.clone())
    .bind::<Binary, _>(digest.to_vec())
    .bind::<Jsonb, _>(answer)
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
