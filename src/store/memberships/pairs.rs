//! Assigning and unassigning many pairs of contact and group in one statement.

use std::{collections::HashMap, hash::Hash};

use diesel::{
    pg::Pg,
    prelude::*,
    serialize::ToSql,
    sql_types::{Array, BigInt, Bool, HasSqlType, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{Assignment, Code, ContactId, Revision, TenantId, Time},
    store::{
        Transaction,
        sql::{Sql, sql},
    },
};

/// The result of one assignment.
#[derive(Debug, Clone, QueryableByName)]
pub struct PairResult {
    /// The contact, if it exists.
    #[diesel(sql_type = Nullable<Integer>)]
    pub(crate) contact_number: Option<i32>,
    /// The group, if it exists.
    #[diesel(sql_type = Nullable<Integer>)]
    pub(crate) group_id: Option<i32>,
    /// Whether this assignment changed anything; for duplicates only the first is `true`.
    #[diesel(sql_type = Bool)]
    pub changed: bool,
    /// The revision of the membership before the statement.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(crate) revision: Option<Revision>,
    /// The creation time of the membership before the statement.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) create_time: Option<Time>,
    /// The revision that the statement makes if it changes anything.
    #[diesel(sql_type = BigInt)]
    pub(crate) next_revision: Revision,
    /// The present name of the contact, or else of the group, if it was named by a former one.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) current: Option<String>,
}

/// Assigns groups to contacts; the transaction logs the changes.
pub async fn assign(tx: &mut Transaction, items: &[Assignment]) -> QueryResult<Vec<PairResult>> {
    let rows = in_transaction(tx, include_str!("../sql/assign.sql"), items).await?;
    let pair = |row: &PairResult| match row.changed {
        true => row.group_id.zip(row.contact_number),
        false => None,
    };
    let (group_ids, contact_numbers): (Vec<i32>, Vec<i32>) = rows.iter().filter_map(pair).unzip();
    if !group_ids.is_empty() {
        sql(include_str!("../sql/insert_pairs.sql"))
            .bind::<Integer, _>(tx.tenant_id())
            .bind::<Array<Integer>, _>(group_ids)
            .bind::<Array<Integer>, _>(contact_numbers)
            .bind::<Timestamptz, _>(tx.time())
            .bind::<BigInt, _>(tx.revision())
            .execute(tx)
            .await?;
    }
    Ok(rows)
}

/// Unassigns groups from contacts; the transaction logs the changes.
pub async fn unassign(tx: &mut Transaction, items: &[Assignment]) -> QueryResult<Vec<PairResult>> {
    in_transaction(tx, include_str!("../sql/unassign.sql"), items).await
}

async fn in_transaction(
    tx: &mut Transaction,
    text: &'static str,
    items: &[Assignment],
) -> QueryResult<Vec<PairResult>> {
    let pairs = Pairs::of(items.iter());
    let revision = tx.revision();
    let statement = pairs.statement::<BigInt, _>(text, tx.tenant_id(), tx.time(), revision);
    Ok(pairs.results(statement.load(tx).await?))
}

/// What a statement that logs by itself writes with the revision.
pub struct LoggedCommit {
    /// The time of the change.
    pub time: Time,
    /// The calls that make it.
    pub request_id: String,
    /// Who makes it, each on a line.
    pub actors: String,
    /// The id of the commit.
    pub id: i64,
}

/// Assigns groups to contacts and logs it in one statement, which is a transaction by itself if none
/// is open. Returns no rows, and has no effect, if another write of the tenant ended between the
/// statement's start and its lock.
pub async fn assign_logged<'a>(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    items: impl Iterator<Item = &'a Assignment>,
    commit: &LoggedCommit,
) -> QueryResult<Vec<PairResult>> {
    let text = include_str!("../sql/assign_logged.sql");
    logged(conn, text, tenant_id, Pairs::of(items), commit).await
}

/// Unassigns groups from contacts and logs it, like [`assign_logged`].
pub async fn unassign_logged<'a>(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    items: impl Iterator<Item = &'a Assignment>,
    commit: &LoggedCommit,
) -> QueryResult<Vec<PairResult>> {
    let text = include_str!("../sql/unassign_logged.sql");
    logged(conn, text, tenant_id, Pairs::of(items), commit).await
}

async fn logged(
    conn: &mut AsyncPgConnection,
    text: &'static str,
    tenant_id: TenantId,
    pairs: Pairs,
    commit: &LoggedCommit,
) -> QueryResult<Vec<PairResult>> {
    let request_id = commit.request_id.clone();
    let statement = pairs
        .statement::<Text, _>(text, tenant_id, commit.time, request_id)
        .bind::<BigInt, _>(commit.id)
        .bind::<Text, _>(commit.actors.clone());
    Ok(pairs.results(statement.load(conn).await?))
}

/// What a revision changed of memberships, as [`assign_logged`] and
/// [`unassign_logged`] answer it.
pub(crate) async fn changed_at<'a>(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    items: impl Iterator<Item = &'a Assignment>,
    revision: Revision,
    time: Time,
) -> QueryResult<Vec<PairResult>> {
    let (text, pairs) = (include_str!("../sql/changed_at.sql"), Pairs::of(items));
    let statement = pairs.statement::<BigInt, _>(text, tenant_id, time, revision);
    Ok(pairs.results(statement.load(conn).await?))
}

/// Each contact, each code and each pair once, in the order of their first occurrence.
struct Pairs {
    contact_ids: Vec<ContactId>,
    codes: Vec<Code>,
    /// The pairs: positions of their contacts and of their codes, from 1.
    contacts: Vec<i32>,
    groups: Vec<i32>,
    /// The pair of each item, from 1.
    items: Vec<i32>,
}

impl Pairs {
    /// The pairs of some items.
    fn of<'a>(items: impl Iterator<Item = &'a Assignment>) -> Self {
        let (mut contacts, mut codes, mut pairs) =
            (Positions::new(), Positions::new(), Positions::new());
        let items = items
            .map(|item| {
                let contact = contacts.position(&item.contact_id);
                pairs.position((contact, codes.position(&item.code)))
            })
            .collect();
        let (contact_positions, groups) = pairs.entries.into_iter().unzip();
        Self {
            contact_ids: contacts.entries.into_iter().cloned().collect(),
            codes: codes.entries.into_iter().cloned().collect(),
            contacts: contact_positions,
            groups,
            items,
        }
    }

    /// A statement over the pairs; `fifth` is its parameter `$5`.
    fn statement<ST, T>(&self, text: &'static str, tenant_id: TenantId, time: Time, fifth: T) -> Sql
    where
        ST: Send + 'static,
        Pg: HasSqlType<ST>,
        T: ToSql<ST, Pg> + Send + 'static,
    {
        sql(text)
            .bind::<Integer, _>(tenant_id)
            .bind::<Array<Text>, _>(self.contact_ids.clone())
            .bind::<Array<Text>, _>(self.codes.clone())
            .bind::<Timestamptz, _>(time)
            .bind::<ST, T>(fifth)
            .bind::<Array<Integer>, _>(self.contacts.clone())
            .bind::<Array<Integer>, _>(self.groups.clone())
    }

    /// The results of the items, from those of the pairs. Of equal items only the first can have
    /// changed something. Empty if there are no rows.
    fn results(&self, rows: Vec<PairResult>) -> Vec<PairResult> {
        if rows.is_empty() || rows.len() == self.items.len() {
            return rows;
        }
        let mut last = 0;
        let result = |pair: &i32| {
            let row = &rows[*pair as usize - 1];
            let is_first = *pair > last;
            last = last.max(*pair);
            PairResult {
                changed: row.changed && is_first,
                ..row.clone()
            }
        };
        self.items.iter().map(result).collect()
    }
}

/// Distinct entries, and the position of each, from 1.
struct Positions<T> {
    entries: Vec<T>,
    positions: HashMap<T, i32>,
}

impl<T: Copy + Eq + Hash> Positions<T> {
    fn new() -> Self {
        Self {
            entries: Vec::new(),
            positions: HashMap::new(),
        }
    }

    fn position(&mut self, entry: T) -> i32 {
        // No statement takes more items than an i32 counts.
        let next = self.entries.len() as i32 + 1;
        let position = *self.positions.entry(entry).or_insert(next);
        if position == next {
            self.entries.push(entry);
        }
        position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(pairs: &[(&str, &str)]) -> Vec<Assignment> {
        let item = |(id, code): &(&str, &str)| Assignment {
            contact_id: id.parse().expect("an id"),
            code: code.parse().expect("a code"),
        };
        pairs.iter().map(item).collect()
    }

    #[test]
    fn everything_is_named_once() {
        let items = items(&[("A", "X"), ("A", "Y"), ("B", "X"), ("A", "X")]);
        let pairs = Pairs::of(items.iter());
        assert_eq!((pairs.contact_ids.len(), pairs.codes.len()), (2, 2));
        assert_eq!(
            (pairs.contacts, pairs.groups),
            (vec![1, 1, 2], vec![1, 2, 1])
        );
        assert_eq!(pairs.items, [1, 2, 3, 1]);
    }

    #[test]
    fn of_items_that_are_alike_the_first_changes_something() {
        let items = items(&[("A", "X"), ("B", "X"), ("A", "X"), ("B", "X")]);
        let row = |changed| PairResult {
            contact_number: Some(1),
            group_id: Some(1),
            changed,
            revision: None,
            create_time: None,
            next_revision: 1,
            current: None,
        };
        let results = Pairs::of(items.iter()).results(vec![row(true), row(false)]);
        let changed: Vec<_> = results.iter().map(|it| it.changed).collect();
        assert_eq!(changed, [true, false, false, false]);
        assert!(Pairs::of(items.iter()).results(Vec::new()).is_empty());
    }
}
