//! Merged contacts, and the contacts that replace them in stored sets.
//!
//! A merge does not rewrite stored sets: so an action can be undone exactly, and a merge costs the
//! same for any number of segments.

use diesel::{prelude::*, sql_types::Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{Contact, ContactSet, TenantId},
    schema::merged_contacts,
    store::{
        Transaction, numbers,
        sql::{from_keys, of_keys, select},
    },
};

/// A merged contact, and the one that replaces it.
type Merge = (u32, u32);

/// The merged contacts in a set whose kept contact exists.
pub(crate) async fn of(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    set: &ContactSet,
) -> QueryResult<Vec<Merge>> {
    let text = from_keys!("merged_contacts", "contact_number");
    let rest = of_keys::<Integer, _>(text, tenant_id, numbers(set));
    let columns = (
        merged_contacts::contact_number,
        merged_contacts::kept_number,
    );
    let pairs: Vec<(i32, i32)> = select(columns, rest).load(conn).await?;
    Ok(pairs.into_iter().map(unsigned).collect())
}

/// The numbers that stand for this contact in stored sets: its own and those of contacts that were
/// merged into it.
pub(crate) async fn aliases(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_number: i32,
) -> QueryResult<ContactSet> {
    let merged: Vec<i32> = merged_contacts::table
        .filter(merged_contacts::tenant_id.eq(tenant_id))
        .filter(merged_contacts::kept_number.eq(contact_number))
        .select(merged_contacts::contact_number)
        .load(conn)
        .await?;
    let all = merged.into_iter().chain([contact_number]);
    Ok(all.map(i32::cast_unsigned).collect())
}

/// Makes `kept` replace the contacts that `merged` replaced so far.
pub(crate) async fn redirect(tx: &mut Transaction, merged: i32, kept: i32) -> QueryResult<usize> {
    let held = merged_contacts::table
        .filter(merged_contacts::tenant_id.eq(tx.tenant_id()))
        .filter(merged_contacts::kept_number.eq(merged));
    diesel::update(held)
        .set(merged_contacts::kept_number.eq(kept))
        .execute(tx)
        .await
}

/// Makes the contact numbered `kept` replace `merged`, whose id becomes a former one.
pub(crate) async fn insert(
    tx: &mut Transaction,
    merged: &Contact,
    kept: i32,
) -> QueryResult<usize> {
    let row = (
        merged_contacts::tenant_id.eq(tx.tenant_id()),
        merged_contacts::contact_number.eq(merged.contact_number),
        merged_contacts::kept_number.eq(kept),
        merged_contacts::id.eq(&merged.id),
    );
    diesel::insert_into(merged_contacts::table)
        .values(row)
        .execute(tx)
        .await
}

fn unsigned((merged, kept): (i32, i32)) -> Merge {
    (merged.cast_unsigned(), kept.cast_unsigned())
}
