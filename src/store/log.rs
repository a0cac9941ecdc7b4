//! The change log: what each revision changed, in commit order and without gaps.

mod append;
mod page;
mod prune;
mod revisions;
mod since;

use std::collections::HashMap;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

pub(super) use self::append::{ChangeSet, RevisionCounter, append, lock_counter};
pub use self::since::{LogFilter, changes_since};
pub(crate) use self::since::{LogTail, TailEntry};
pub(crate) use self::{
    append::Origin,
    page::{LogPage, LogPosition, PageEntry, PageFilter, SLICE, page},
    prune::{prunable, prune},
    revisions::{ChangeSummary, RevisionFilter, RevisionSummary, revisions},
};
use super::sql::sql;
use crate::model::{ChangeKind, Commit, ContactId, ContactSet, Revision, TenantId};

/// An entry of the log.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct LogEntry {
    #[diesel(sql_type = BigInt)]
    pub(crate) revision: Revision,
    #[diesel(sql_type = SmallInt)]
    pub(crate) kind: ChangeKind,
    /// The number of the group or segment.
    #[diesel(sql_type = Integer)]
    pub(crate) subject_id: i32,
    /// The code of the group, or the id of the segment.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) code: Option<String>,
    /// The code of a renamed group before the change.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) former_code: Option<String>,
    #[diesel(sql_type = Nullable<Array<Integer>>)]
    pub(crate) contact_numbers: Option<Vec<i32>>,
}

/// The commit that made a tenant's present state, as rows of `heads` have it.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub(in crate::store) struct Head {
    #[diesel(sql_type = BigInt)]
    revision: Revision,
    #[diesel(sql_type = BigInt)]
    commit_id: i64,
}

impl Head {
    pub(in crate::store) fn commit(self) -> Commit {
        Commit {
            revision: self.revision,
            id: self.commit_id,
        }
    }
}

/// The tenant's present state, and the revision after which the log is kept; 0 for an unknown tenant.
pub(crate) async fn bounds(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
) -> QueryResult<(Commit, Revision)> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        head: Head,
        #[diesel(sql_type = BigInt)]
        history_start: Revision,
    }
    let row: Option<Row> =
        sql("SELECT revision, commit_id, history_start FROM heads WHERE tenant_id = $1")
            .bind::<Integer, _>(tenant_id)
            .get_result(conn)
            .await
            .optional()?;
    Ok(row.map_or_else(Default::default, |row| {
        (row.head.commit(), row.history_start)
    }))
}

/// The state of the existing ones among these tenants.
pub(crate) async fn heads(
    conn: &mut AsyncPgConnection,
    tenants: Vec<TenantId>,
) -> QueryResult<HashMap<TenantId, Commit>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        tenant_id: TenantId,
        #[diesel(embed)]
        head: Head,
    }
    let rows: Vec<Row> =
        sql("SELECT tenant_id, revision, commit_id FROM heads WHERE tenant_id = ANY ($1)")
            .bind::<Array<Integer>, _>(tenants)
            .load(conn)
            .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|row| (row.tenant_id, row.head.commit())).collect())
}

/// The revision that a commit made, if it is among the latest 100,000. The newest come first: a commit whose
/// answer was lost is one of the last.
pub(crate) async fn revision_of(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    commit_id: i64,
) -> QueryResult<Option<Revision>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        revision: Revision,
    }
    let row: Option<Row> = sql("SELECT r.revision FROM clocks c JOIN revisions r \
         ON r.tenant_id = c.tenant_id AND r.revision > c.revision - 100000 \
         WHERE c.tenant_id = $1 AND r.commit_id = $2 ORDER BY r.revision DESC LIMIT 1")
    .bind::<Integer, _>(tenant_id)
    .bind::<BigInt, _>(commit_id)
    .get_result(conn)
    .await
    .optional()?;
    Ok(row.map(|row| row.revision))
}

/// The commit of a revision, as far as the log reaches.
pub(crate) async fn commit_of(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    revision: Revision,
) -> QueryResult<Option<Commit>> {
    let head: Option<Head> = sql("SELECT revision, commit_id FROM commits \
         WHERE tenant_id = $1 AND revision = $2")
    .bind::<Integer, _>(tenant_id)
    .bind::<BigInt, _>(revision)
    .get_result(conn)
    .await
    .optional()?;
    Ok(head.map(Head::commit))
}

/// The contacts that were deleted after a revision, and which commits were lost.
pub(crate) struct Deletions {
    /// `None` if the log does not reach back or is too long.
    pub(crate) contacts: Option<ContactSet>,
    /// Those of the known commits that are not part of the tenant's history.
    pub(crate) replaced: Vec<Revision>,
}

/// The contacts deleted after `since`; checks whether `known` commits are part of the history.
pub(crate) async fn deleted_contacts(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    since: Revision,
    known: &[Commit],
) -> QueryResult<Deletions> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        known: bool,
        #[diesel(sql_type = Array<BigInt>)]
        replaced: Vec<Revision>,
        #[diesel(sql_type = Nullable<Array<Integer>>)]
        contact_numbers: Option<Vec<i32>>,
    }
    let (revisions, ids): (Vec<_>, Vec<_>) = known.iter().map(|it| (it.revision, it.id)).unzip();
    let rows: Vec<Row> = sql(include_str!("sql/deleted_contacts.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<BigInt, _>(since)
        .bind::<Array<BigInt>, _>(revisions.clone())
        .bind::<Array<BigInt>, _>(ids)
        .load(conn)
        .await?;
    let replaced = match rows.as_slice().first() {
        Some(row) => row.replaced.clone(),
        None => revisions.into_iter().filter(|it| *it > 0).collect(),
    };
    let reached = rows.iter().all(|row| row.known);
    let numbers = rows
        .into_iter()
        .filter_map(|row| row.contact_numbers)
        .flatten();
    let contacts = numbers.map(i32::cast_unsigned).collect();
    Ok(Deletions {
        contacts: reached.then_some(contacts),
        replaced,
    })
}

/// Whether a commit is part of the tenant's history, as far as the log reaches.
pub(crate) async fn contains(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    commit: Commit,
) -> QueryResult<bool> {
    let latest = Revision::MAX;
    let checked = deleted_contacts(conn, tenant_id, latest, &[commit]).await?;
    Ok(checked.replaced.is_empty())
}

/// The ids that deleted contacts had, as far as the log reaches.
pub(crate) async fn deleted_contact_ids(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    contact_numbers: Vec<i32>,
) -> QueryResult<Vec<(i32, ContactId)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        contact_number: i32,
        #[diesel(sql_type = Text)]
        id: ContactId,
    }
    let rows: Vec<Row> = sql(include_str!("sql/deleted_contact_ids.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<Integer>, _>(contact_numbers)
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.contact_number, row.id))
        .collect())
}
