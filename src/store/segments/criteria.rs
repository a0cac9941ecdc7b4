//! Criteria of actions, in the record of segments and saved for replays.

use diesel::{
    prelude::*,
    sql_types::{Binary, Bool, Integer, Nullable, SmallInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::set::StoredSet;
use crate::{
    model::{
        ActionKind, CriteriaCode, Criterion, Description, PageSize, SavedCriteria, Segment,
        SelectionOptions, Selector, TenantId,
    },
    schema::saved_criteria,
    store::{Transaction, sql::sql},
};

/// Creates saved criteria, without their actions.
pub(crate) async fn insert(
    tx: &mut Transaction,
    code: &CriteriaCode,
    description: &Description,
    segment: &Segment,
    criteria_number: i32,
) -> QueryResult<SavedCriteria> {
    let row = (
        saved_criteria::tenant_id.eq(tx.tenant_id()),
        saved_criteria::criteria_number.eq(criteria_number),
        saved_criteria::code.eq(code),
        saved_criteria::description.eq(description),
        saved_criteria::action_count.eq(segment.action_count),
        saved_criteria::revision.eq(tx.revision()),
        saved_criteria::create_time.eq(tx.time()),
    );
    diesel::insert_into(saved_criteria::table)
        .values(row)
        .returning(SavedCriteria::as_returning())
        .get_result(tx)
        .await
}

/// Copies all actions of a segment.
pub(crate) async fn copy_actions(
    tx: &mut Transaction,
    segment_number: i32,
    criteria_number: i32,
) -> QueryResult<usize> {
    sql(
        "INSERT INTO saved_criteria_actions (tenant_id, criteria_number, action_number, kind, \
             expression, contacts, options, entire_companies) \
         SELECT tenant_id, $3, action_number, kind, expression, contacts, options, \
             entire_companies \
         FROM segment_actions WHERE tenant_id = $1 AND segment_number = $2",
    )
    .bind::<Integer, _>(tx.tenant_id())
    .bind::<Integer, _>(segment_number)
    .bind::<Integer, _>(criteria_number)
    .execute(tx)
    .await
}

/// The criteria saved under this code.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    code: &CriteriaCode,
) -> QueryResult<Option<SavedCriteria>> {
    SavedCriteria::query()
        .filter(saved_criteria::tenant_id.eq(tenant_id))
        .filter(saved_criteria::code.eq(code))
        .first(conn)
        .await
        .optional()
}

/// The saved criteria with this number.
pub(crate) async fn find_by_number(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    criteria_number: i32,
) -> QueryResult<Option<SavedCriteria>> {
    SavedCriteria::query()
        .find((tenant_id, criteria_number))
        .first(conn)
        .await
        .optional()
}

/// Saved criteria by code, after `after`.
pub(crate) async fn page(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    after: Option<&CriteriaCode>,
    size: PageSize,
) -> QueryResult<Vec<SavedCriteria>> {
    let after = after.map_or("", CriteriaCode::as_str);
    SavedCriteria::query()
        .filter(saved_criteria::tenant_id.eq(tenant_id))
        .filter(saved_criteria::code.gt(after))
        .order(saved_criteria::code)
        .limit(size.with_one_more())
        .load(conn)
        .await
}

/// Up to a hundred saved actions, in order, after the one numbered `after`.
pub(crate) async fn actions(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    criteria_number: i32,
    after: i32,
) -> QueryResult<Vec<Criterion>> {
    let rows: Vec<CriterionRow> = sql(
        "SELECT kind, expression, contacts, options, entire_companies \
         FROM saved_criteria_actions \
         WHERE tenant_id = $1 AND criteria_number = $2 AND action_number > $3 \
         ORDER BY action_number LIMIT 100",
    )
    .bind::<Integer, _>(tenant_id)
    .bind::<Integer, _>(criteria_number)
    .bind::<Integer, _>(after)
    .load(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Deletes saved criteria with their actions.
pub(crate) async fn delete(tx: &mut Transaction, criteria_number: i32) -> QueryResult<usize> {
    diesel::delete(saved_criteria::table.find((tx.tenant_id(), criteria_number)))
        .execute(tx)
        .await
}

/// The columns of a criterion, in two tables.
#[derive(QueryableByName)]
pub(super) struct CriterionRow {
    #[diesel(sql_type = SmallInt)]
    kind: ActionKind,
    #[diesel(sql_type = Nullable<Text>)]
    expression: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    contacts: Option<StoredSet>,
    #[diesel(sql_type = SmallInt)]
    options: i16,
    #[diesel(sql_type = Bool)]
    entire_companies: bool,
}

impl TryFrom<CriterionRow> for Criterion {
    type Error = diesel::result::Error;

    fn try_from(row: CriterionRow) -> QueryResult<Self> {
        let selector = match (row.expression, row.contacts) {
            (Some(text), _) => text
                .parse()
                .map(Selector::Expression)
                .map_err(|e| diesel::result::Error::DeserializationError(Box::new(e)))?,
            (None, contacts) => Selector::Contacts(contacts.map(Into::into).unwrap_or_default()),
        };
        Ok(Self {
            kind: row.kind,
            selector,
            options: SelectionOptions {
                expand_companies: row.options & 1 != 0,
                include_related_companies: row.options & 2 != 0,
                include_excluded: row.options & 4 != 0,
                include_privacy_blocked: row.options & 8 != 0,
            },
            entire_companies: row.entire_companies,
        })
    }
}

/// Options as bits, the reverse of [`CriterionRow`].
pub(super) fn options(options: SelectionOptions) -> i16 {
    i16::from(options.expand_companies)
        | i16::from(options.include_related_companies) << 1
        | i16::from(options.include_excluded) << 2
        | i16::from(options.include_privacy_blocked) << 3
}
