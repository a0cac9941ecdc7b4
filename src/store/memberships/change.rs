//! Assigning and unassigning many pairs in one statement.

use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::pairs::Pairs;
use crate::{
    model::{Assignment, Revision, TenantId, Time},
    store::Transaction,
};

/// What became of one assignment, in the order they were given.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Assigned {
    /// The contact, if there is one.
    #[diesel(sql_type = Nullable<Integer>)]
    pub(crate) contact_number: Option<i32>,
    /// The group, if there is one.
    #[diesel(sql_type = Nullable<Integer>)]
    pub(crate) group_id: Option<i32>,
    /// Whether this assignment changed anything. Of two alike the first does.
    #[diesel(sql_type = Bool)]
    pub changed: bool,
    /// The revision of the membership before, if there was one.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(crate) revision: Option<Revision>,
    /// The moment of the membership before, if there was one.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) create_time: Option<Time>,
    /// The revision of what the statement changed, if it changed anything.
    #[diesel(sql_type = BigInt)]
    pub(crate) next_revision: Revision,
}

/// A statement over pairs of contact and group: `$now` says which revision it makes, `$chosen`
/// which of the pairs change something, `$write` changes the memberships, the counters follow by
/// `$sign`, and `$log` notes it all, or leaves that to the transaction.
///
/// Parameters: `$1` the tenant, `$2` contact ids, `$3` codes, `$4` the moment, `$5` as `$now` and
/// `$log` want it, `$6` and `$7` the pairs, by the places of their contacts and codes. So each
/// contact and each code is looked up once, however many pairs it is in; 0 stands for one that is
/// not there. The arrays stand in sub-selects so that their length does not sway the planner:
/// it plans once per connection for a few rows, which suits many as well, instead of anew each
/// time, which takes longer than the statement does for one pair. A membership is looked up by its
/// whole key, as `OFFSET 0` has it; else the planner reads all groups of each contact, a fifth of
/// the statement's time.
macro_rules! change_memberships {
    ($now:expr, $chosen:literal, $write:literal, $sign:literal, $log:expr) => {
        concat!(
            "WITH ",
            $now,
            ", contact AS MATERIALIZED ( \
                SELECT array_agg(coalesce(c.contact_number, 0) ORDER BY i.ordinal) AS numbers, \
                    array_agg(coalesce(c.kind, 0::smallint) ORDER BY i.ordinal) AS kinds \
                FROM unnest((SELECT $2)) WITH ORDINALITY AS i (id, ordinal) \
                LEFT JOIN contacts c ON c.tenant_id = $1 AND c.id = i.id), \
             mailing_group AS MATERIALIZED ( \
                SELECT array_agg(coalesce(g.group_id, 0) ORDER BY i.ordinal) AS ids \
                FROM unnest((SELECT $3)) WITH ORDINALITY AS i (code, ordinal) \
                LEFT JOIN mailing_groups g ON g.tenant_id = $1 AND g.code = i.code), \
             pair AS MATERIALIZED ( \
                SELECT n.revision AS next_revision, i.ordinal, \
                    (SELECT numbers FROM contact)[i.contact] AS contact_number, \
                    (SELECT kinds FROM contact)[i.contact] AS kind, \
                    (SELECT ids FROM mailing_group)[i.code] AS group_id \
                FROM now n CROSS JOIN unnest((SELECT $6), (SELECT $7)) \
                    WITH ORDINALITY AS i (contact, code, ordinal)), \
             input AS MATERIALIZED ( \
                SELECT p.*, m.revision, m.create_time, \
                    p.contact_number > 0 AND p.group_id > 0 AND m.revision ",
            $chosen,
            " AS changed \
                FROM pair p \
                LEFT JOIN LATERAL (SELECT m.revision, m.create_time FROM memberships m \
                    WHERE m.tenant_id = $1 AND m.group_id = p.group_id \
                        AND m.contact_number = p.contact_number OFFSET 0) m ON true), \
             chosen AS MATERIALIZED (SELECT * FROM input WHERE changed), \
             written AS (",
            $write,
            "), counted_groups AS ( \
                UPDATE mailing_groups g SET company_count = g.company_count ",
            $sign,
            " n.companies, person_count = g.person_count ",
            $sign,
            " n.persons \
                FROM (SELECT group_id, count(*) FILTER (WHERE kind = 1) AS companies, \
                        count(*) FILTER (WHERE kind = 2) AS persons \
                      FROM chosen GROUP BY group_id) n \
                WHERE g.tenant_id = $1 AND g.group_id = n.group_id), \
             counted_contacts AS ( \
                UPDATE contacts c SET mailing_group_count = c.mailing_group_count ",
            $sign,
            " n.groups, revision = n.next_revision, update_time = $4 \
                FROM (SELECT contact_number, next_revision, count(*) AS groups \
                      FROM chosen GROUP BY contact_number, next_revision) n \
                WHERE c.tenant_id = $1 AND c.contact_number = n.contact_number)",
            $log,
            " SELECT nullif(contact_number, 0) AS contact_number, \
                nullif(group_id, 0) AS group_id, changed, revision, create_time, next_revision \
             FROM input ORDER BY ordinal"
        )
    };
}

/// The revision given by the transaction: `$5`.
macro_rules! given {
    () => {
        "now AS MATERIALIZED (SELECT $5 AS revision)"
    };
}

/// The revision after the present one, and none if the snapshot of this statement, which is taken
/// before the clock is locked, is older than the last change of the tenant.
macro_rules! locked {
    () => {
        "locked AS MATERIALIZED ( \
            SELECT revision FROM clocks WHERE tenant_id = $1 FOR UPDATE), \
         now AS MATERIALIZED ( \
            SELECT c.revision + 1 AS revision FROM locked l \
            JOIN clocks c ON c.tenant_id = $1 AND c.revision = l.revision)"
    };
}

/// What the transaction would write at its end: the clock, the revision under the call's name
/// `$5`, and the changes, which are of kind 6 (members added) or 7 (members removed).
macro_rules! logged {
    ($kind:literal) => {
        concat!(
            ", moved AS ( \
                UPDATE clocks c SET revision = n.revision FROM now n \
                WHERE c.tenant_id = $1 AND EXISTS (SELECT FROM chosen)), \
             made AS ( \
                INSERT INTO revisions (tenant_id, revision, commit_time, request_id) \
                SELECT $1, n.revision, $4, $5 FROM now n WHERE EXISTS (SELECT FROM chosen)), \
             logged AS ( \
                INSERT INTO changes (tenant_id, revision, kind, subject_id, code, \
                    contact_numbers) \
                SELECT $1, next_revision, ",
            $kind,
            ", group_id, code, contact_numbers \
                FROM (SELECT next_revision, group_id, \
                        array_agg(contact_number ORDER BY contact_number) AS contact_numbers \
                      FROM chosen GROUP BY next_revision, group_id) n \
                JOIN mailing_groups g USING (group_id) WHERE g.tenant_id = $1)"
        )
    };
}

/// Assigns groups to contacts, in the order of the key, which keeps the index warm.
macro_rules! assign {
    ($now:expr, $log:expr) => {
        change_memberships!(
            $now,
            "IS NULL",
            "INSERT INTO memberships (tenant_id, group_id, contact_number, revision, \
                create_time) \
             SELECT $1, group_id, contact_number, next_revision, $4 FROM chosen \
             ORDER BY group_id, contact_number",
            "+",
            $log
        )
    };
}

/// Takes groups from contacts.
macro_rules! unassign {
    ($now:expr, $log:expr) => {
        change_memberships!(
            $now,
            "IS NOT NULL",
            "DELETE FROM memberships m USING chosen WHERE m.tenant_id = $1 \
             AND m.group_id = chosen.group_id AND m.contact_number = chosen.contact_number",
            "-",
            $log
        )
    };
}

/// Assigns groups to contacts; the changes are to be logged.
pub async fn insert(tx: &mut Transaction, items: &[Assignment]) -> QueryResult<Vec<Assigned>> {
    let revision = tx.revision();
    run_in(tx, assign!(given!(), ""), items, revision).await
}

/// Takes groups from contacts; the changes are to be logged.
pub async fn delete(tx: &mut Transaction, items: &[Assignment]) -> QueryResult<Vec<Assigned>> {
    let revision = tx.revision();
    run_in(tx, unassign!(given!(), ""), items, revision).await
}

async fn run_in(
    tx: &mut Transaction,
    text: &'static str,
    items: &[Assignment],
    revision: Revision,
) -> QueryResult<Vec<Assigned>> {
    let pairs = Pairs::of(items.iter());
    let statement = pairs.statement(text, tx.tenant_id(), tx.time());
    let statement = pairs.finish(statement.bind::<BigInt, _>(revision));
    Ok(pairs.answers(statement.load(tx).await?))
}

/// Assigns groups to contacts and logs it in one statement, which is a transaction by itself if
/// none is open: it locks the tenant's clock, as every write does. No rows, and no effect, if
/// another write of the tenant ended between the statement's start and the lock.
pub async fn insert_logged<'a>(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    items: impl Iterator<Item = &'a Assignment>,
    time: Time,
    request_id: String,
) -> QueryResult<Vec<Assigned>> {
    let text = assign!(locked!(), logged!("6"));
    run_logged(conn, text, tenant_id, Pairs::of(items), time, request_id).await
}

/// Takes groups from contacts and logs it, as [`insert_logged`] does.
pub async fn delete_logged<'a>(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    items: impl Iterator<Item = &'a Assignment>,
    time: Time,
    request_id: String,
) -> QueryResult<Vec<Assigned>> {
    let text = unassign!(locked!(), logged!("7"));
    run_logged(conn, text, tenant_id, Pairs::of(items), time, request_id).await
}

async fn run_logged(
    conn: &mut AsyncPgConnection,
    text: &'static str,
    tenant_id: TenantId,
    pairs: Pairs,
    time: Time,
    request_id: String,
) -> QueryResult<Vec<Assigned>> {
    let statement = pairs.statement(text, tenant_id, time);
    let statement = pairs.finish(statement.bind::<Text, _>(request_id));
    Ok(pairs.answers(statement.load(conn).await?))
}
