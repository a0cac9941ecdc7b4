//! The ids of merged contacts.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{ContactId, TenantId},
    schema::{contacts, merged_contacts},
    store::Transaction,
};

/// The ids of merged contacts among these, each with the id of the contact that replaces it.
pub(crate) async fn merged_into(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    former: &[&ContactId],
) -> QueryResult<Vec<(ContactId, ContactId)>> {
    merged_contacts::table
        .inner_join(
            contacts::table.on(contacts::tenant_id
                .eq(merged_contacts::tenant_id)
                .and(contacts::contact_number.eq(merged_contacts::kept_number))),
        )
        .filter(merged_contacts::tenant_id.eq(tenant_id))
        .filter(merged_contacts::id.eq_any(former))
        .select((merged_contacts::id.assume_not_null(), contacts::id))
        .load(conn)
        .await
}

/// Makes these ids former ids of no contact.
pub(crate) async fn free_ids(tx: &mut Transaction, ids: &[&ContactId]) -> QueryResult<usize> {
    let named = merged_contacts::table
        .filter(merged_contacts::tenant_id.eq(tx.tenant_id()))
        .filter(merged_contacts::id.eq_any(ids));
    diesel::update(named)
        .set(merged_contacts::id.eq(None::<&ContactId>))
        .execute(tx)
        .await
}
