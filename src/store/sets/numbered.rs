//! Sets of a kind, many of which are read by one statement.

use std::collections::HashMap;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Nullable},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Versioned, add};
use crate::{
    model::{Commit, ContactSet, TenantId},
    store::{
        log::Head,
        sql::{Sql, sql},
    },
};

/// Sets of a kind by their numbers.
pub type NumberedSets = Versioned<HashMap<i32, ContactSet>>;

/// How many memberships a statement reads before it leaves further groups to the next one.
const MEMBERS_PER_STATEMENT: i64 = 1_000_000;

/// The members of the first of these groups: at least one group, and all of them if they have few
/// members.
pub(crate) async fn members_of_groups(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    group_ids: &[i32],
) -> QueryResult<NumberedSets> {
    let query = sql(include_str!("../sql/members_of_groups.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<Integer>, _>(group_ids.to_vec())
        .bind::<BigInt, _>(MEMBERS_PER_STATEMENT);
    load_numbered(conn, query, group_ids).await
}

/// The contacts of companies, themselves included; none of what is no company.
///
/// # Errors
///
/// Those of the database.
pub async fn contacts_of_companies(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    company_numbers: &[i32],
) -> QueryResult<NumberedSets> {
    let query = sql(include_str!("../sql/contacts_of_companies.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<Integer>, _>(company_numbers.to_vec());
    load_numbered(conn, query, company_numbers).await
}

/// The sets whose parts a query returns. They are empty if the tenant does not exist.
async fn load_numbered(
    conn: &mut AsyncPgConnection,
    query: Sql,
    numbers: &[i32],
) -> QueryResult<NumberedSets> {
    #[derive(QueryableByName)]
    struct Part {
        #[diesel(embed)]
        head: Head,
        #[diesel(sql_type = Integer)]
        number: i32,
        #[diesel(sql_type = Nullable<Array<Integer>>)]
        contact_numbers: Option<Vec<i32>>,
    }
    let parts: Vec<Part> = query.load(conn).await?;
    let Some(first) = parts.as_slice().first() else {
        let empty = numbers.iter().map(|number| (*number, ContactSet::new()));
        return Ok((Commit::default(), empty.collect()));
    };
    let commit = first.head.commit();
    let mut sets: HashMap<i32, ContactSet> = HashMap::new();
    for (at, part) in parts.into_iter().enumerate() {
        let set = sets.entry(part.number).or_default();
        add(set, part.contact_numbers.unwrap_or_default());
        if at % PARTS_AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
    }
    for set in sets.values_mut() {
        set.optimize();
    }
    Ok((commit, sets))
}

/// How many parts of sets are added before other tasks may run: most parts are small, but one can
/// have 65,536 contacts.
const PARTS_AT_ONCE: usize = 16;
