//! Contacts.

mod attributes;
mod by_number;
mod former_ids;
mod list;

use std::collections::{HashMap, HashSet};

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

pub use self::{
    attributes::list as attribute_values,
    by_number::{by_bits, by_numbers, with_companies},
    list::{ContactFilter, page},
};
pub(crate) use self::{
    by_number::{changed_since, ids, ids_in_range},
    former_ids::{free_ids, merged_by_number, merged_into, merged_numbers, named},
};
use super::{
    Transaction,
    sql::{from_keys, of_keys, select, sql, sql_of, update_keys},
};
use crate::{
    model::{Contact, ContactId, ContactKind, NewContact, TenantId},
    schema::contacts,
};

/// The contact with this number.
pub(crate) async fn find_by_number(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_number: i32,
) -> QueryResult<Option<Contact>> {
    Contact::query()
        .find((tenant_id, contact_number))
        .first(conn)
        .await
        .optional()
}

/// The contacts with these ids, in no order.
pub async fn find_all(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    ids: &[&ContactId],
) -> QueryResult<Vec<Contact>> {
    let ids: Vec<ContactId> = ids.iter().copied().cloned().collect();
    let rest = of_keys::<Text, _>(from_keys!("contacts", "id"), tenant_id, ids);
    sql_of(rest).load(conn).await
}

/// The numbers of the existing contacts with these ids.
pub(crate) async fn numbers(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    ids: &[&ContactId],
) -> QueryResult<HashMap<ContactId, i32>> {
    let ids: Vec<ContactId> = ids.iter().copied().cloned().collect();
    let rest = of_keys::<Text, _>(from_keys!("contacts", "id"), tenant_id, ids);
    let columns = (contacts::id, contacts::contact_number);
    let rows: Vec<(ContactId, i32)> = select(columns, rest).load(conn).await?;
    Ok(rows.into_iter().collect())
}

/// The number of people of each of these companies that has any.
pub(crate) async fn count_people(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    company_ids: &[&ContactId],
) -> QueryResult<Vec<(ContactId, i64)>> {
    let ids: HashSet<&ContactId> = company_ids.iter().copied().collect();
    let ids: Vec<ContactId> = ids.into_iter().cloned().collect();
    let text = from_keys!("contacts", "company_id", "GROUP BY company_id");
    let rest = of_keys::<Text, _>(text, tenant_id, ids);
    let columns = (contacts::company_id, diesel::dsl::count_star());
    let rows: Vec<(Option<ContactId>, i64)> = select(columns, rest).load(conn).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(id, count)| Some((id?, count)))
        .collect())
}

/// Creates contacts with these numbers and replaces the details of others. Each id may occur once.
///
/// A person comes after its company: after those that become one, and those that are created.
pub(crate) async fn write(
    tx: &mut Transaction,
    created: &[(i32, NewContact)],
    replaced: &[(&Contact, NewContact)],
) -> QueryResult<()> {
    let rows = replaced.iter().map(|(it, new)| (it.contact_number, new));
    let (companies, people): (Vec<_>, Vec<_>) =
        rows.partition(|(_, new)| new.details.kind == ContactKind::Company);
    let created_rows = created.iter().map(|(number, new)| (*number, new)).collect();
    let (insert, update) = (
        include_str!("sql/insert_contacts.sql"),
        include_str!("sql/update_contacts.sql"),
    );
    for (text, rows) in [
        (update, companies),
        (insert, created_rows),
        (update, people),
    ] {
        write_details(tx, text, &rows).await?;
    }
    attributes::write(tx, created, replaced).await
}

/// Runs a statement over contacts by column, if there are any.
async fn write_details(
    tx: &mut Transaction,
    text: &'static str,
    contacts: &[(i32, &NewContact)],
) -> QueryResult<()> {
    if contacts.is_empty() {
        return Ok(());
    }
    let rows = || contacts.iter().map(|(_, new)| (&new.id, &new.details));
    let numbers: Vec<i32> = contacts.iter().map(|(number, _)| *number).collect();
    let ids: Vec<_> = rows().map(|(id, _)| id.clone()).collect();
    let kinds: Vec<_> = rows().map(|(_, new)| new.kind).collect();
    let names: Vec<_> = rows().map(|(_, new)| new.name.clone()).collect();
    let search_names: Vec<_> = rows().map(|(_, new)| new.name.folded()).collect();
    let company_ids: Vec<_> = rows().map(|(_, new)| new.company_id.clone()).collect();
    let emails: Vec<_> = rows().map(|(_, new)| new.email.clone()).collect();
    let excluded: Vec<_> = rows().map(|(_, new)| new.exclude_from_segments).collect();
    let blocked: Vec<_> = rows().map(|(_, new)| new.privacy_blocked).collect();
    let attributes: Vec<_> = rows().map(|(_, new)| new.attributes.clone()).collect();
    sql(text)
        .bind::<Integer, _>(tx.tenant_id())
        .bind::<Array<Integer>, _>(numbers)
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<SmallInt>, _>(kinds)
        .bind::<Array<Text>, _>(names)
        .bind::<Array<Text>, _>(search_names)
        .bind::<Array<Nullable<Text>>, _>(company_ids)
        .bind::<Array<Text>, _>(emails)
        .bind::<Array<Bool>, _>(excluded)
        .bind::<Array<Bool>, _>(blocked)
        .bind::<Array<Jsonb>, _>(attributes)
        .bind::<BigInt, _>(tx.revision())
        .bind::<Timestamptz, _>(tx.time())
        .execute(tx)
        .await?;
    Ok(())
}

/// Moves the first people of one company to another, or to none, and returns their numbers.
pub(crate) async fn move_people(
    tx: &mut Transaction,
    from: &ContactId,
    to: Option<&ContactId>,
    count: usize,
) -> QueryResult<Vec<i32>> {
    let of_company = contacts::table
        .filter(contacts::tenant_id.eq(tx.tenant_id()))
        .filter(contacts::company_id.eq(from))
        .order(contacts::id)
        .limit(i64::try_from(count).unwrap_or(i64::MAX))
        .select(contacts::contact_number);
    let mut numbers: Vec<i32> = of_company.load(tx).await?;
    numbers.sort_unstable();
    if numbers.is_empty() {
        return Ok(numbers);
    }
    let text = concat!(
        "UPDATE contacts SET company_id = $3, revision = $4, update_time = $5",
        update_keys!("contacts", "contact_number")
    );
    of_keys::<Integer, _>(text, tx.tenant_id(), numbers.clone())
        .bind::<Nullable<Text>, _>(to.cloned())
        .bind::<BigInt, _>(tx.revision())
        .bind::<Timestamptz, _>(tx.time())
        .execute(tx)
        .await?;
    Ok(numbers)
}

/// Whether a company has people.
pub(crate) async fn has_people(tx: &mut Transaction, id: &ContactId) -> QueryResult<bool> {
    let people = contacts::table
        .filter(contacts::tenant_id.eq(tx.tenant_id()))
        .filter(contacts::company_id.eq(id));
    diesel::select(diesel::dsl::exists(people))
        .get_result(tx)
        .await
}

/// Deletes a contact that has no memberships and no people.
pub(crate) async fn delete(tx: &mut Transaction, contact_number: i32) -> QueryResult<usize> {
    diesel::delete(contacts::table.find((tx.tenant_id(), contact_number)))
        .execute(tx)
        .await
}

/// How many serials [`free_serials`] checks.
pub(crate) const SERIALS_SEARCHED: i64 = 1_000;

/// The first serials from `serial` on whose ids are free, at most `count` of them, among the next
/// [`SERIALS_SEARCHED`].
pub(crate) async fn free_serials(
    tx: &mut Transaction,
    serial: i64,
    count: usize,
) -> QueryResult<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Free {
        #[diesel(sql_type = BigInt)]
        serial: i64,
    }
    let free: Vec<Free> = sql(include_str!("sql/free_contact_serials.sql"))
        .bind::<Integer, _>(tx.tenant_id())
        .bind::<BigInt, _>(serial)
        .bind::<BigInt, _>(serial + SERIALS_SEARCHED - 1)
        .bind::<BigInt, _>(i64::try_from(count).unwrap_or(i64::MAX))
        .load(tx)
        .await?;
    Ok(free.into_iter().map(|free| free.serial).collect())
}
