//! Mailing groups.

mod list;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

pub use self::list::page;
use super::{
    Transaction,
    sql::{from_keys, of_keys, select, sql, sql_of},
};
use crate::{
    model::{
        Code, ContactId, Description, MailingGroup, NewMailingGroup, PageSize, Revision, TenantId,
    },
    schema::{former_codes, mailing_groups},
};

/// Creates a group. The code stops being a former code of another group.
pub(crate) async fn insert(
    tx: &mut Transaction,
    group_id: i32,
    new: &NewMailingGroup,
) -> QueryResult<MailingGroup> {
    delete_former_code(tx, &new.code).await?;
    let row = (
        mailing_groups::tenant_id.eq(tx.tenant_id()),
        mailing_groups::group_id.eq(group_id),
        mailing_groups::code.eq(&new.code),
        mailing_groups::description.eq(&new.description),
        mailing_groups::revision.eq(tx.revision()),
        mailing_groups::create_time.eq(tx.time()),
        mailing_groups::update_time.eq(tx.time()),
    );
    diesel::insert_into(mailing_groups::table)
        .values(row)
        .returning(MailingGroup::as_returning())
        .get_result(tx)
        .await
}

/// The group with this number.
pub(crate) async fn find_by_number(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    group_id: i32,
) -> QueryResult<Option<MailingGroup>> {
    MailingGroup::query()
        .find((tenant_id, group_id))
        .first(conn)
        .await
        .optional()
}

/// The groups with these codes, in no order.
pub async fn find_all(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    codes: &[&Code],
) -> QueryResult<Vec<MailingGroup>> {
    let codes: Vec<Code> = codes.iter().copied().cloned().collect();
    let rest = of_keys::<Text, _>(from_keys!("mailing_groups", "code"), tenant_id, codes);
    sql_of(rest).load(conn).await
}

/// The groups that these codes name, by a present or a former code, each with the code.
pub(crate) async fn named(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    codes: &[&Code],
) -> QueryResult<Vec<(Code, MailingGroup)>> {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        requested: Code,
        #[diesel(embed)]
        group: MailingGroup,
    }
    let codes: Vec<Code> = codes.iter().copied().cloned().collect();
    let named: Vec<Named> = sql(include_str!("sql/named_groups.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<Text>, _>(codes)
        .load(conn)
        .await?;
    Ok(named
        .into_iter()
        .map(|it| (it.requested, it.group))
        .collect())
}

/// The former codes among these, each with the present code of its group.
pub(crate) async fn renamed_to(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    former: &[&Code],
) -> QueryResult<Vec<(Code, Code)>> {
    let text = from_keys!(
        "former_codes",
        "code",
        "CROSS JOIN LATERAL (SELECT * FROM mailing_groups WHERE tenant_id = $1 \
         AND group_id = former_codes.group_id OFFSET 0) mailing_groups"
    );
    let former: Vec<Code> = former.iter().copied().cloned().collect();
    let rest = of_keys::<Text, _>(text, tenant_id, former);
    let columns = (former_codes::code, mailing_groups::code);
    select(columns, rest).load(conn).await
}

/// A page of the groups of one contact.
#[derive(Debug)]
pub(crate) struct ContactGroupsPage {
    /// The contact.
    pub(crate) contact_id: ContactId,
    /// It starts after this code.
    pub(crate) after: Option<Code>,
    /// Its maximum length.
    pub(crate) size: PageSize,
}

/// A group on one of several pages; none if the page is empty.
#[derive(QueryableByName)]
pub(crate) struct GroupOnPage {
    /// Which page, from 1.
    #[diesel(sql_type = BigInt)]
    pub(crate) page: i64,
    /// The group.
    #[diesel(embed)]
    pub(crate) group: Option<MailingGroup>,
    /// The id of the contact that replaces that of the page.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) merged_into: Option<String>,
}

/// Pages of groups of many contacts, page by page and each by code. An unknown contact has no page.
pub(crate) async fn pages_of_contacts(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    pages: &[ContactGroupsPage],
) -> QueryResult<Vec<GroupOnPage>> {
    let ids: Vec<_> = pages.iter().map(|page| page.contact_id.clone()).collect();
    let after = |page: &ContactGroupsPage| page.after.clone().map_or_else(String::new, Into::into);
    let after: Vec<String> = pages.iter().map(after).collect();
    let sizes: Vec<_> = pages.iter().map(|page| page.size.with_one_more()).collect();
    sql(include_str!("sql/contact_groups.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<Text>, _>(after)
        .bind::<Array<BigInt>, _>(sizes)
        .load(conn)
        .await
}

/// Changes the description of a group.
pub(crate) async fn update(
    tx: &mut Transaction,
    group_id: i32,
    description: &Description,
) -> QueryResult<MailingGroup> {
    let change = (
        mailing_groups::description.eq(description),
        mailing_groups::revision.eq(tx.revision()),
        mailing_groups::update_time.eq(tx.time()),
    );
    diesel::update(mailing_groups::table.find((tx.tenant_id(), group_id)))
        .set(change)
        .returning(MailingGroup::as_returning())
        .get_result(tx)
        .await
}

/// Changes the code of a group and records the former one.
pub(crate) async fn rename(
    tx: &mut Transaction,
    group: &MailingGroup,
    code: &Code,
) -> QueryResult<MailingGroup> {
    delete_former_code(tx, code).await?;
    insert_former_code(tx, group).await?;
    let change = (
        mailing_groups::code.eq(code),
        mailing_groups::revision.eq(tx.revision()),
        mailing_groups::update_time.eq(tx.time()),
    );
    diesel::update(mailing_groups::table.find((tx.tenant_id(), group.group_id)))
        .set(change)
        .returning(MailingGroup::as_returning())
        .get_result(tx)
        .await
}

/// Deletes a group that has no members.
pub(crate) async fn delete(tx: &mut Transaction, group_id: i32) -> QueryResult<usize> {
    diesel::delete(mailing_groups::table.find((tx.tenant_id(), group_id)))
        .execute(tx)
        .await
}

/// Corrects the counters of groups after contacts changed their kind: `companies` is 1 for a person
/// that is now a company, -1 for the reverse.
pub(crate) async fn recount_kinds(
    tx: &mut Transaction,
    contact_numbers: Vec<i32>,
    companies: Vec<i32>,
) -> QueryResult<usize> {
    sql(include_str!("sql/recount_kinds.sql"))
        .bind::<Integer, _>(tx.tenant_id())
        .bind::<Array<Integer>, _>(contact_numbers)
        .bind::<Array<Integer>, _>(companies)
        .execute(tx)
        .await
}

async fn insert_former_code(tx: &mut Transaction, group: &MailingGroup) -> QueryResult<usize> {
    sql("INSERT INTO former_codes (tenant_id, code, group_id) VALUES ($1, $2, $3)")
        .bind::<Integer, _>(tx.tenant_id())
        .bind::<Text, _>(group.code.clone())
        .bind::<Integer, _>(group.group_id)
        .execute(tx)
        .await
}

async fn delete_former_code(tx: &mut Transaction, code: &Code) -> QueryResult<usize> {
    diesel::delete(former_codes::table.find((tx.tenant_id(), code)))
        .execute(tx)
        .await
}

/// The groups that were created, renamed or described after a revision, each with its revision.
pub(crate) async fn changed_since(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    since: Revision,
) -> QueryResult<Vec<(i32, Revision)>> {
    mailing_groups::table
        .filter(mailing_groups::tenant_id.eq(tenant_id))
        .filter(mailing_groups::revision.gt(since))
        .select((mailing_groups::group_id, mailing_groups::revision))
        .load(conn)
        .await
}

/// The descriptions of the existing ones among these groups.
pub(crate) async fn descriptions(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    group_ids: &[i32],
) -> QueryResult<Vec<(i32, Description)>> {
    let text = from_keys!("mailing_groups", "group_id");
    let rest = of_keys::<Integer, _>(text, tenant_id, group_ids.to_vec());
    let columns = (mailing_groups::group_id, mailing_groups::description);
    select(columns, rest).load(conn).await
}
