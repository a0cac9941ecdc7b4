//! The rows of attributes, by which selections find contacts. They repeat the maps of the contacts.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{
        AttributeKey, AttributeValue, Attributes, Contact, CountedText, NewContact, PageSize,
        TenantId,
    },
    store::{Transaction, sql::sql},
};

/// What changes.
#[derive(Default)]
struct ChangedRows {
    set: (Vec<i32>, Vec<AttributeKey>, Vec<AttributeValue>),
    removed: (Vec<i32>, Vec<AttributeKey>),
}

impl ChangedRows {
    fn add(&mut self, number: i32, before: &Attributes, after: &Attributes) {
        for (key, value) in after
            .iter()
            .filter(|(key, value)| before.get(key) != Some(value))
        {
            let (numbers, keys, values) = &mut self.set;
            numbers.push(number);
            keys.push(key.clone());
            values.push(value.clone());
        }
        for (key, _) in before.iter().filter(|(key, _)| after.get(key).is_none()) {
            self.removed.0.push(number);
            self.removed.1.push(key.clone());
        }
    }
}

/// Writes the rows of contacts that were created or whose details were replaced. Without a change of
/// attributes it runs no statement.
pub(super) async fn write(
    tx: &mut Transaction,
    created: &[(i32, NewContact)],
    replaced: &[(&Contact, NewContact)],
) -> QueryResult<()> {
    let mut rows = ChangedRows::default();
    let none = Attributes::default();
    for (number, new) in created {
        rows.add(*number, &none, &new.details.attributes);
    }
    for (former, new) in replaced {
        let number = former.contact_number;
        rows.add(number, &former.attributes, &new.details.attributes);
    }
    let ChangedRows { set, removed } = rows;
    if !removed.0.is_empty() {
        sql(include_str!("../sql/delete_attributes.sql"))
            .bind::<Integer, _>(tx.tenant_id())
            .bind::<Array<Integer>, _>(removed.0)
            .bind::<Array<Text>, _>(removed.1)
            .execute(tx)
            .await?;
    }
    if !set.0.is_empty() {
        sql(include_str!("../sql/insert_attributes.sql"))
            .bind::<Integer, _>(tx.tenant_id())
            .bind::<Array<Integer>, _>(set.0)
            .bind::<Array<Text>, _>(set.1)
            .bind::<Array<Text>, _>(set.2)
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// A page of the values that contacts have for an attribute, or without a key of the keys; after `after`,
/// with one more than the page.
pub async fn list(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    key: Option<&AttributeKey>,
    after: Option<&String>,
    size: PageSize,
) -> QueryResult<Vec<CountedText>> {
    let query = match key {
        Some(key) => sql(include_str!("../sql/attribute_values.sql"))
            .bind::<Integer, _>(tenant_id)
            .bind::<Text, _>(key.clone()),
        None => sql(include_str!("../sql/attribute_keys.sql")).bind::<Integer, _>(tenant_id),
    };
    query
        .bind::<Text, _>(after.cloned().unwrap_or_default())
        .bind::<BigInt, _>(size.with_one_more())
        .load(conn)
        .await
}
