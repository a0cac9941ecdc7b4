//! Mailing groups.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    Transaction,
    sql::{after_prefix, sql, sql_of},
};
use crate::{
    model::{Code, ContactId, Description, MailingGroup, NewMailingGroup, PageSize, TenantId},
    schema::{former_codes, mailing_groups},
};

/// Stores a new group; the code is no longer a former one of another group.
pub(crate) async fn insert(
    tx: &mut Transaction,
    group_id: i32,
    new: &NewMailingGroup,
) -> QueryResult<MailingGroup> {
    forget_former(tx, &new.code).await?;
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

/// The group with this code.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    code: &Code,
) -> QueryResult<Option<MailingGroup>> {
    MailingGroup::query()
        .filter(mailing_groups::tenant_id.eq(tenant_id))
        .filter(mailing_groups::code.eq(code))
        .first(conn)
        .await
        .optional()
}

/// The groups with these codes, in no order. The codes stand in a sub-select, so that the
/// statement is not planned anew for each number of them.
pub async fn find_all(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    codes: &[&Code],
) -> QueryResult<Vec<MailingGroup>> {
    let codes: Vec<Code> = codes.iter().copied().cloned().collect();
    let rest = sql("FROM mailing_groups \
         WHERE tenant_id = (SELECT $1) AND code = ANY ((SELECT $2)::text[])")
    .bind::<Integer, _>(tenant_id)
    .bind::<Array<Text>, _>(codes);
    sql_of(rest).load(conn).await
}

/// Which of these codes groups had formerly, each with the code that its group has now.
pub(crate) async fn renamed_to(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    former: &[&Code],
) -> QueryResult<Vec<(Code, Code)>> {
    former_codes::table
        .inner_join(
            mailing_groups::table.on(mailing_groups::tenant_id
                .eq(former_codes::tenant_id)
                .and(mailing_groups::group_id.eq(former_codes::group_id))),
        )
        .filter(former_codes::tenant_id.eq(tenant_id))
        .filter(former_codes::code.eq_any(former))
        .select((former_codes::code, mailing_groups::code))
        .load(conn)
        .await
}

/// Groups by code, after `after`, whose codes start with `prefix`.
pub async fn page(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    prefix: &str,
    after: Option<&Code>,
    size: PageSize,
) -> QueryResult<Vec<MailingGroup>> {
    let mut query = MailingGroup::query()
        .filter(mailing_groups::tenant_id.eq(tenant_id))
        .order(mailing_groups::code)
        .limit(size.with_one_more())
        .into_boxed();
    if !prefix.is_empty() {
        query = query
            .filter(mailing_groups::code.ge(prefix))
            .filter(mailing_groups::code.lt(after_prefix(prefix)));
    }
    if let Some(after) = after {
        query = query.filter(mailing_groups::code.gt(after));
    }
    query.load(conn).await
}

/// A page of the groups of one contact.
#[derive(Debug)]
pub(crate) struct PageOfContact {
    /// The contact.
    pub(crate) contact_id: ContactId,
    /// The code after which it starts.
    pub(crate) after: Option<Code>,
    /// How long it may be.
    pub(crate) size: PageSize,
}

/// A group on one of several pages.
#[derive(QueryableByName)]
pub(crate) struct GroupOnPage {
    /// Which page, from 1.
    #[diesel(sql_type = BigInt)]
    pub(crate) page: i64,
    /// The group.
    #[diesel(embed)]
    pub(crate) group: MailingGroup,
}

/// Many pages of groups of contacts in one statement, page by page and each by code. The page of
/// an unknown contact is empty.
pub(crate) async fn pages_of_contacts(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    pages: &[PageOfContact],
) -> QueryResult<Vec<GroupOnPage>> {
    let ids: Vec<_> = pages.iter().map(|page| page.contact_id.clone()).collect();
    let after = |page: &PageOfContact| page.after.clone().map_or_else(String::new, Into::into);
    let after: Vec<String> = pages.iter().map(after).collect();
    let sizes: Vec<_> = pages.iter().map(|page| page.size.with_one_more()).collect();
    sql("SELECT i.page, g.* \
         FROM unnest((SELECT $2), (SELECT $3), (SELECT $4)) \
             WITH ORDINALITY AS i (contact_id, after, size, page) \
         JOIN contacts c ON c.tenant_id = $1 AND c.id = i.contact_id \
         CROSS JOIN LATERAL ( \
             SELECT g.* FROM memberships m \
             JOIN mailing_groups g ON g.tenant_id = m.tenant_id AND g.group_id = m.group_id \
             WHERE m.tenant_id = $1 AND m.contact_number = c.contact_number AND g.code > i.after \
             ORDER BY g.code LIMIT i.size) g \
         ORDER BY i.page, g.code")
    .bind::<Integer, _>(tenant_id)
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Text>, _>(after)
    .bind::<Array<BigInt>, _>(sizes)
    .load(conn)
    .await
}

/// Describes a group anew.
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

/// Gives a group another code and keeps the former one in mind.
pub(crate) async fn rename(
    tx: &mut Transaction,
    group: &MailingGroup,
    code: &Code,
) -> QueryResult<MailingGroup> {
    forget_former(tx, code).await?;
    remember_former(tx, group).await?;
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

/// Counts the members of groups anew after contacts changed their kind: each of these contacts
/// is now a company and was a person (`companies` 1), or the reverse (-1).
pub(crate) async fn recount_kinds(
    tx: &mut Transaction,
    contact_numbers: Vec<i32>,
    companies: Vec<i32>,
) -> QueryResult<usize> {
    sql("UPDATE mailing_groups g \
         SET company_count = g.company_count + n.companies, \
             person_count = g.person_count - n.companies \
         FROM (SELECT m.group_id, sum(c.companies) AS companies \
               FROM unnest($2, $3) AS c (contact_number, companies) \
               JOIN memberships m \
                   ON m.tenant_id = $1 AND m.contact_number = c.contact_number \
               GROUP BY m.group_id) n \
         WHERE g.tenant_id = $1 AND g.group_id = n.group_id")
    .bind::<Integer, _>(tx.tenant_id())
    .bind::<Array<Integer>, _>(contact_numbers)
    .bind::<Array<Integer>, _>(companies)
    .execute(tx)
    .await
}

async fn remember_former(tx: &mut Transaction, group: &MailingGroup) -> QueryResult<usize> {
    sql("INSERT INTO former_codes (tenant_id, code, group_id) VALUES ($1, $2, $3)")
        .bind::<Integer, _>(tx.tenant_id())
        .bind::<Text, _>(group.code.clone())
        .bind::<Integer, _>(group.group_id)
        .execute(tx)
        .await
}

async fn forget_former(tx: &mut Transaction, code: &Code) -> QueryResult<usize> {
    diesel::delete(former_codes::table.find((tx.tenant_id(), code)))
        .execute(tx)
        .await
}
