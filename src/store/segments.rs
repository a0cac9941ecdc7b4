//! Segments: stored sets of contacts.
//!
//! A stored set keeps the numbers of contacts that were deleted or merged into others since it was
//! written. See [`merges`].

pub(crate) mod actions;
pub(crate) mod criteria;
pub(crate) mod merges;
mod set;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt;

use self::set::StoredSet;
use super::{
    Transaction,
    log::Head,
    sets::Versioned,
    sql::{after_prefix, from_keys, of_keys, select, sql, update_keys},
};
use crate::{
    model::{Commit, ContactSet, Description, PageSize, Segment, SegmentId, TenantId},
    schema::segments,
};

/// How many segments the tenant has.
pub(crate) async fn count(tx: &mut Transaction) -> QueryResult<i64> {
    segments::table
        .filter(segments::tenant_id.eq(tx.tenant_id()))
        .count()
        .get_result(tx)
        .await
}

/// Creates an empty segment.
pub(crate) async fn insert(
    tx: &mut Transaction,
    id: &SegmentId,
    description: &Description,
    segment_number: i32,
) -> QueryResult<Segment> {
    let row = (
        segments::tenant_id.eq(tx.tenant_id()),
        segments::segment_number.eq(segment_number),
        segments::id.eq(id),
        segments::description.eq(description),
        segments::members.eq(StoredSet::from(ContactSet::new())),
        segments::revision.eq(tx.revision()),
        segments::create_time.eq(tx.time()),
        segments::update_time.eq(tx.time()),
    );
    diesel::insert_into(segments::table)
        .values(row)
        .returning(Segment::as_returning())
        .get_result(tx)
        .await
}

/// The segment with this id.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &SegmentId,
) -> QueryResult<Option<Segment>> {
    Segment::query()
        .filter(segments::tenant_id.eq(tenant_id))
        .filter(segments::id.eq(id))
        .first(conn)
        .await
        .optional()
}

/// The segment with this number.
pub(crate) async fn find_by_number(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    segment_number: i32,
) -> QueryResult<Option<Segment>> {
    Segment::query()
        .find((tenant_id, segment_number))
        .first(conn)
        .await
        .optional()
}

/// The segment with this id, and its set as stored.
pub(crate) async fn find_stored(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &SegmentId,
) -> QueryResult<Option<(Segment, ContactSet)>> {
    let found: Option<(Segment, StoredSet)> = segments::table
        .filter(segments::tenant_id.eq(tenant_id))
        .filter(segments::id.eq(id))
        .select((Segment::as_select(), segments::members))
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(|(segment, set)| (segment, set.into())))
}

/// The members of the segment with this id, if it exists. They may include deleted contacts; merged
/// ones are replaced.
pub(crate) async fn members(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &SegmentId,
) -> QueryResult<Versioned<Option<ContactSet>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        head: Head,
        #[diesel(sql_type = Nullable<Binary>)]
        members: Option<StoredSet>,
        #[diesel(sql_type = Array<Integer>)]
        merged: Vec<i32>,
        #[diesel(sql_type = Array<Integer>)]
        kept: Vec<i32>,
    }
    let row: Option<Row> = sql(include_str!("sql/segment_members.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Text, _>(id.clone())
        .get_result(conn)
        .await
        .optional()?;
    let Some(row) = row else {
        return Ok((Commit::default(), None));
    };
    let mut members = row.members.map(ContactSet::from);
    if let Some(set) = &mut members {
        for (merged, kept) in row.merged.into_iter().zip(row.kept) {
            if set.remove(merged.cast_unsigned()) {
                set.insert(kept.cast_unsigned());
            }
        }
    }
    Ok((row.head.commit(), members))
}

/// Segments by id, after `after`, whose ids start with `prefix`.
pub(crate) async fn page(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    prefix: &str,
    after: Option<&SegmentId>,
    size: PageSize,
) -> QueryResult<Vec<Segment>> {
    let mut query = Segment::query()
        .filter(segments::tenant_id.eq(tenant_id))
        .order(segments::id)
        .limit(size.with_one_more())
        .into_boxed();
    if !prefix.is_empty() {
        query = query
            .filter(segments::id.ge(prefix))
            .filter(segments::id.lt(after_prefix(prefix)));
    }
    if let Some(after) = after {
        query = query.filter(segments::id.gt(after));
    }
    query.load(conn).await
}

/// The stored sets of the existing ones among these segments, in no order.
pub(crate) async fn stored(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    segment_numbers: &[i32],
) -> QueryResult<Vec<(i32, ContactSet)>> {
    let text = from_keys!("segments", "segment_number");
    let rest = of_keys::<Integer, _>(text, tenant_id, segment_numbers.to_vec());
    let columns = (segments::segment_number, segments::members);
    let rows: Vec<(i32, StoredSet)> = select(columns, rest).load(conn).await?;
    Ok(rows.into_iter().map(|(n, set)| (n, set.into())).collect())
}

/// The segments whose stored sets contain any of these numbers, by id. Reads the sets of all
/// segments of the tenant as a stream.
pub(crate) async fn holding(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: &ContactSet,
) -> QueryResult<Vec<(i32, SegmentId)>> {
    let rows = segments::table
        .filter(segments::tenant_id.eq(tenant_id))
        .filter(segments::action_count.gt(0))
        .order(segments::id)
        .select((segments::segment_number, segments::id, segments::members))
        .load_stream::<(i32, SegmentId, StoredSet)>(conn)
        .await?;
    let holds = |(number, id, set): (i32, SegmentId, StoredSet)| {
        let held = !ContactSet::from(set).is_disjoint(contact_numbers);
        std::future::ready(Ok(held.then_some((number, id))))
    };
    rows.try_filter_map(holds).try_collect().await
}

/// Changes the description of a segment.
pub(crate) async fn describe(
    tx: &mut Transaction,
    segment_number: i32,
    description: &Description,
) -> QueryResult<Segment> {
    let change = (
        segments::description.eq(description),
        segments::revision.eq(tx.revision()),
        segments::update_time.eq(tx.time()),
    );
    diesel::update(segments::table.find((tx.tenant_id(), segment_number)))
        .set(change)
        .returning(Segment::as_returning())
        .get_result(tx)
        .await
}

/// Writes the result of actions: their number, and the set, if it changed.
pub(crate) async fn update(
    tx: &mut Transaction,
    segment_number: i32,
    action_count: i32,
    members: Option<ContactSet>,
) -> QueryResult<Segment> {
    let members = members.map(StoredSet::from);
    let change = (
        segments::action_count.eq(action_count),
        members.map(|members| segments::members.eq(members)),
        segments::revision.eq(tx.revision()),
        segments::update_time.eq(tx.time()),
    );
    diesel::update(segments::table.find((tx.tenant_id(), segment_number)))
        .set(change)
        .returning(Segment::as_returning())
        .get_result(tx)
        .await
}

/// Marks segments as changed now.
pub(crate) async fn touch(tx: &mut Transaction, segment_numbers: &[i32]) -> QueryResult<usize> {
    let text = concat!(
        "UPDATE segments SET revision = $3, update_time = $4",
        update_keys!("segments", "segment_number")
    );
    of_keys::<Integer, _>(text, tx.tenant_id(), segment_numbers.to_vec())
        .bind::<BigInt, _>(tx.revision())
        .bind::<Timestamptz, _>(tx.time())
        .execute(tx)
        .await
}

/// Deletes a segment with its actions.
pub(crate) async fn delete(tx: &mut Transaction, segment_number: i32) -> QueryResult<usize> {
    diesel::delete(segments::table.find((tx.tenant_id(), segment_number)))
        .execute(tx)
        .await
}

/// The first serial from `serial` on whose id is free, among the next thousand.
pub(crate) async fn free_serial(tx: &mut Transaction, serial: i64) -> QueryResult<Option<i64>> {
    #[derive(QueryableByName)]
    struct Free {
        #[diesel(sql_type = BigInt)]
        serial: i64,
    }
    let free: Option<Free> = sql(include_str!("sql/free_segment_serial.sql"))
        .bind::<Integer, _>(tx.tenant_id())
        .bind::<BigInt, _>(serial)
        .get_result(tx)
        .await
        .optional()?;
    Ok(free.map(|free| free.serial))
}
