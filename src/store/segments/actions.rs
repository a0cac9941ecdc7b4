//! The recorded actions of segments.

use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Integer, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    criteria::{CriterionRow, options},
    set::StoredSet,
};
use crate::{
    model::{ActionKind, ContactSet, PageSize, Revision, SegmentAction, Selector, TenantId, Time},
    schema::segment_actions,
    store::{Transaction, sql::sql},
};

/// Records an action, and the numbers that it added to the stored set or removed from it.
pub(crate) async fn insert(
    tx: &mut Transaction,
    segment_number: i32,
    action: &SegmentAction,
    changed: ContactSet,
) -> QueryResult<usize> {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let criterion = &action.criterion;
    let (expression, contacts) = match &criterion.selector {
        Selector::Expression(expression) => (Some(expression.text()), None),
        Selector::Contacts(set) => (None, Some(StoredSet::from(set.clone()))),
    };
    let row = (
        segment_actions::tenant_id.eq(tx.tenant_id()),
        segment_actions::segment_number.eq(segment_number),
        segment_actions::action_number.eq(action.number),
        segment_actions::kind.eq(criterion.kind),
        segment_actions::expression.eq(expression),
        segment_actions::contacts.eq(contacts),
        segment_actions::options.eq(options(criterion.options)),
        segment_actions::entire_companies.eq(criterion.entire_companies),
        segment_actions::added_count.eq(count(action.added)),
        segment_actions::removed_count.eq(count(action.removed)),
        segment_actions::excluded_count.eq(count(action.excluded)),
        segment_actions::privacy_blocked_count.eq(count(action.privacy_blocked)),
        segment_actions::changed.eq(StoredSet::from(changed)),
        segment_actions::revision.eq(action.revision),
        segment_actions::create_time.eq(action.create_time),
    );
    diesel::insert_into(segment_actions::table)
        .values(row)
        .execute(tx)
        .await
}

/// Finalizes an action: it cannot be undone any more.
pub(crate) async fn finalize(
    tx: &mut Transaction,
    segment_number: i32,
    number: i32,
) -> QueryResult<usize> {
    diesel::update(segment_actions::table.find((tx.tenant_id(), segment_number, number)))
        .set(segment_actions::changed.eq(None::<StoredSet>))
        .execute(tx)
        .await
}

/// The kind of an action, and the numbers that it added or removed, if it can be undone.
pub(crate) async fn find_changed(
    tx: &mut Transaction,
    segment_number: i32,
    number: i32,
) -> QueryResult<(ActionKind, Option<ContactSet>)> {
    let (kind, changed): (ActionKind, Option<StoredSet>) = segment_actions::table
        .find((tx.tenant_id(), segment_number, number))
        .select((segment_actions::kind, segment_actions::changed))
        .first(tx)
        .await?;
    Ok((kind, changed.map(Into::into)))
}

/// Removes an action from the record.
pub(crate) async fn delete(
    tx: &mut Transaction,
    segment_number: i32,
    number: i32,
) -> QueryResult<usize> {
    diesel::delete(segment_actions::table.find((tx.tenant_id(), segment_number, number)))
        .execute(tx)
        .await
}

/// The actions of a segment after the one numbered `after`.
pub(crate) async fn page(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    segment_number: i32,
    after: i32,
    size: PageSize,
) -> QueryResult<Vec<SegmentAction>> {
    let rows: Vec<ActionRow> = sql(include_str!("../sql/segment_actions.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Integer, _>(segment_number)
        .bind::<Integer, _>(after)
        .bind::<BigInt, _>(size.with_one_more())
        .load(conn)
        .await?;
    rows.into_iter().map(ActionRow::action).collect()
}

#[derive(QueryableByName)]
struct ActionRow {
    #[diesel(sql_type = Integer)]
    action_number: i32,
    #[diesel(embed)]
    criterion: CriterionRow,
    #[diesel(sql_type = BigInt)]
    added_count: i64,
    #[diesel(sql_type = BigInt)]
    removed_count: i64,
    #[diesel(sql_type = BigInt)]
    excluded_count: i64,
    #[diesel(sql_type = BigInt)]
    privacy_blocked_count: i64,
    #[diesel(sql_type = Bool)]
    undoable: bool,
    #[diesel(sql_type = BigInt)]
    revision: Revision,
    #[diesel(sql_type = Timestamptz)]
    create_time: Time,
}

impl ActionRow {
    fn action(self) -> QueryResult<SegmentAction> {
        Ok(SegmentAction {
            number: self.action_number,
            criterion: self.criterion.try_into()?,
            added: self.added_count.unsigned_abs(),
            removed: self.removed_count.unsigned_abs(),
            excluded: self.excluded_count.unsigned_abs(),
            privacy_blocked: self.privacy_blocked_count.unsigned_abs(),
            undoable: self.undoable,
            revision: self.revision,
            create_time: self.create_time,
        })
    }
}
