//! The sets that selections are made of. Every function reads at one commit and returns it.

mod numbered;

use diesel::{
    prelude::*,
    sql_types::{Array, Integer, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

pub(crate) use self::numbered::members_of_groups;
pub use self::numbered::{NumberedSets, contacts_of_companies};
use super::{
    log::Head,
    sql::{Sql, sql},
};
use crate::model::{
    AttributeKey, AttributeValue, Code, Commit, ContactSet, TenantId, expression::ValueMatch,
};

/// A value, and the commit at which it was read.
pub type Versioned<T> = (Commit, T);

/// The contacts of `$from`, in rows of at most 65,536, the range of one container of a roaring
/// bitmap. Returns at least one row, for the revision.
macro_rules! set_of {
    ($from:literal) => {
        concat!(
            "SELECT c.revision, c.commit_id, p.contact_numbers FROM heads c LEFT JOIN LATERAL ( \
                 SELECT array_agg(contact_number) AS contact_numbers FROM ",
            $from,
            " GROUP BY contact_number >> 16) p ON true WHERE c.tenant_id = $1"
        )
    };
}

/// The members of a group.
pub(crate) async fn members(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    group_id: i32,
) -> QueryResult<Versioned<ContactSet>> {
    let query = sql(set_of!(
        "memberships WHERE tenant_id = $1 AND group_id = $2"
    ));
    load(
        conn,
        query
            .bind::<Integer, _>(tenant_id)
            .bind::<Integer, _>(group_id),
    )
    .await
}

fn add(set: &mut ContactSet, mut numbers: Vec<i32>) {
    numbers.sort_unstable();
    set.extend(numbers.into_iter().map(i32::cast_unsigned));
}

/// All contacts.
pub(crate) async fn everyone(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<Versioned<ContactSet>> {
    load(
        conn,
        sql(set_of!("contacts WHERE tenant_id = $1")).bind::<Integer, _>(tenant_id),
    )
    .await
}

/// All companies.
pub(crate) async fn companies(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<Versioned<ContactSet>> {
    let query = sql(set_of!("contacts WHERE tenant_id = $1 AND kind = @Company"));
    load(conn, query.bind::<Integer, _>(tenant_id)).await
}

/// The contacts with an e-mail address, which is in lower case.
pub async fn with_email(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    email: &str,
) -> QueryResult<Versioned<ContactSet>> {
    let query = sql(set_of!(
        "contacts WHERE tenant_id = $1 AND email <> '' AND lower(email COLLATE \"C\") = $2"
    ));
    let query = query.bind::<Integer, _>(tenant_id);
    load(conn, query.bind::<Text, _>(email.to_owned())).await
}

/// The contacts whose attribute has a value, or matches.
pub async fn with_attribute(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    key: &AttributeKey,
    value: &ValueMatch,
) -> QueryResult<Versioned<ContactSet>> {
    let of_key = |text| {
        let query = sql(text).bind::<Integer, _>(tenant_id);
        query.bind::<Text, _>(key.clone())
    };
    let query = match value {
        ValueMatch::Exact(value) => of_key(set_of!(
            "contact_attributes WHERE tenant_id = $1 AND key = $2 AND value = $3"
        ))
        .bind::<Text, _>(value.clone()),
        ValueMatch::Like(pattern) => of_key(set_of!(
            "contact_attributes WHERE tenant_id = $1 AND key = $2 \
             AND value >= $3 AND value < $4 AND value LIKE $5"
        ))
        .bind::<Text, _>(pattern.prefix().to_owned())
        .bind::<Text, _>(after_all(pattern.prefix()))
        .bind::<Text, _>(pattern.like()),
    };
    load(conn, query).await
}

/// A text after every value that begins like this.
fn after_all(prefix: &str) -> String {
    let last = "\u{10FFFF}".repeat(AttributeValue::MAX_LENGTH + 1);
    format!("{prefix}{last}")
}

/// All contacts that are marked `exclude_from_segments`.
pub(crate) async fn excluded(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<Versioned<ContactSet>> {
    let query = sql(set_of!(
        "contacts WHERE tenant_id = $1 AND exclude_from_segments"
    ));
    load(conn, query.bind::<Integer, _>(tenant_id)).await
}

/// All contacts that are marked `privacy_blocked`.
pub(crate) async fn privacy_blocked(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<Versioned<ContactSet>> {
    let query = sql(set_of!("contacts WHERE tenant_id = $1 AND privacy_blocked"));
    load(conn, query.bind::<Integer, _>(tenant_id)).await
}

/// The codes of all groups with their numbers.
pub(crate) async fn group_codes(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<Versioned<Vec<(Code, i32)>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        head: Head,
        #[diesel(sql_type = Nullable<Text>)]
        code: Option<Code>,
        #[diesel(sql_type = Nullable<Integer>)]
        group_id: Option<i32>,
    }
    let rows: Vec<Row> = sql(
        "SELECT c.revision, c.commit_id, g.code, g.group_id FROM heads c \
         LEFT JOIN mailing_groups g ON g.tenant_id = c.tenant_id WHERE c.tenant_id = $1",
    )
    .bind::<Integer, _>(tenant_id)
    .load(conn)
    .await?;
    let commit = rows
        .as_slice()
        .first()
        .map_or_else(Commit::default, |row| row.head.commit());
    Ok((
        commit,
        rows.into_iter()
            .filter_map(|row| Some((row.code?, row.group_id?)))
            .collect(),
    ))
}

/// The company of every contact that has one: pairs of a contact's number and its company's. A
/// company is its own.
pub(crate) async fn company_of(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<Versioned<Vec<(i32, i32)>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        head: Head,
        #[diesel(sql_type = Nullable<Array<Integer>>)]
        contact_numbers: Option<Vec<i32>>,
        #[diesel(sql_type = Nullable<Array<Integer>>)]
        company_numbers: Option<Vec<i32>>,
    }
    let rows: Vec<Row> = sql(include_str!("sql/company_of.sql"))
        .bind::<Integer, _>(tenant_id)
        .load(conn)
        .await?;
    let commit = rows
        .as_slice()
        .first()
        .map_or_else(Commit::default, |row| row.head.commit());
    let pairs = rows.into_iter().flat_map(|row| {
        let numbers = row.contact_numbers.unwrap_or_default();
        numbers
            .into_iter()
            .zip(row.company_numbers.unwrap_or_default())
    });
    Ok((commit, pairs.collect()))
}

async fn load(conn: &mut AsyncPgConnection, query: Sql) -> QueryResult<Versioned<ContactSet>> {
    #[derive(QueryableByName)]
    struct Part {
        #[diesel(embed)]
        head: Head,
        #[diesel(sql_type = Nullable<Array<Integer>>)]
        contact_numbers: Option<Vec<i32>>,
    }
    let parts: Vec<Part> = query.load(conn).await?;
    let commit = parts
        .as_slice()
        .first()
        .map_or_else(Commit::default, |part| part.head.commit());
    let mut set = ContactSet::new();
    for numbers in parts.into_iter().filter_map(|part| part.contact_numbers) {
        add(&mut set, numbers);
        // Millions of members take a while; let other tasks run in between.
        tokio::task::yield_now().await;
    }
    set.optimize();
    Ok((commit, set))
}
