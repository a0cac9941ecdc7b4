//! Statements that were planned when the database was nearly empty, after it has grown. PostgreSQL plans
//! them anew only once autovacuum has analyzed the tables.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use mailing_groups::{
    model::{Code, Commit, ContactId, GroupOrder, PageSize},
    store::{self, log::LogFilter},
};

use super::{filled_by, rows_read};

/// One tenant with few contacts and groups, and no statistics.
const FILL: &str = "
    SET enable_seqscan = off;
    SET session_replication_role = replica;
    DELETE FROM mailing_groups;
    UPDATE clocks SET tenant_id = 1;
    UPDATE tenants SET tenant_id = 1;
    INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, revision,
            create_time, update_time)
        SELECT 1, n, 'A' || n, 1, 'x', 'x', 1, now(), now() FROM generate_series(1, 1000) AS n;
    INSERT INTO mailing_groups (tenant_id, group_id, code, description, revision, create_time,
            update_time)
        SELECT 1, n, 'G' || n, '', 1, now(), now() FROM generate_series(1, 20) AS n";

/// Another tenant, whose rows are of the same kinds.
const GROW: &str = "
    INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, revision,
            create_time, update_time)
        SELECT 2, n, 'B' || n, 1, 'x', 'x', 1, now(), now() FROM generate_series(1, 50000) AS n;
    INSERT INTO mailing_groups (tenant_id, group_id, code, description, revision, create_time,
            update_time)
        SELECT 2, n, 'H' || n, '', 1, now(), now() FROM generate_series(1, 20000) AS n;
    INSERT INTO tenants (tenant_id, name) VALUES (2, 'grown');
    INSERT INTO clocks (tenant_id, revision) VALUES (2, 50);
    INSERT INTO revisions (tenant_id, revision, commit_time, request_id)
        SELECT 2, n, now(), '' FROM generate_series(1, 50) AS n;
    INSERT INTO changes (tenant_id, revision, kind, subject_id, contact_numbers)
        SELECT 2, n, 4, 0, (SELECT array_agg(1000 * (n - 1) + c) FROM generate_series(1, 1000) AS c)
        FROM generate_series(1, 50) AS n";

/// Three persons for each of the first 10,000 companies of that tenant.
const PEOPLE: &str = "
    INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, company_id, revision,
            create_time, update_time)
        SELECT 2, 50000 + n, 'P' || n, 2, 'x', 'x', 'B' || 1 + n % 10000, 1, now(), now()
        FROM generate_series(1, 30000) AS n";

/// How many rows each look-up of 100 reads, and a page of groups.
async fn look_up(conn: &mut AsyncPgConnection, tenant_id: i32) -> [i64; 4] {
    let ids: Vec<ContactId> = (1..=100)
        .map(|n| format!("B{n}").parse().unwrap())
        .collect();
    let codes: Vec<Code> = (1..=100)
        .map(|n| format!("H{n}").parse().unwrap())
        .collect();
    let (ids, codes): (Vec<_>, Vec<_>) = (ids.iter().collect(), codes.iter().collect());
    conn.batch_execute("BEGIN").await.unwrap();
    let mut read = vec![rows_read(conn).await];
    let found = store::contacts::find_all(conn, tenant_id, &ids).await;
    read.push(rows_read(conn).await);
    let groups = store::mailing_groups::find_all(conn, tenant_id, &codes).await;
    read.push(rows_read(conn).await);
    let numbered = store::contacts::by_numbers(conn, tenant_id, (1..=100).collect()).await;
    read.push(rows_read(conn).await);
    let (order, size) = (GroupOrder::default(), PageSize::new(99, 99, 99).unwrap());
    let page = store::mailing_groups::page(conn, tenant_id, "H1", order, None, size).await;
    read.push(rows_read(conn).await);
    conn.batch_execute("COMMIT").await.unwrap();
    let found = [
        found.unwrap().len(),
        groups.unwrap().len(),
        numbered.unwrap().len(),
        page.unwrap().len(),
    ];
    assert!(tenant_id == 1 || found == [100; 4]);
    [0, 1, 2, 3].map(|at| read[at + 1] - read[at])
}

#[tokio::test]
async fn look_ups_planned_on_an_empty_database_read_their_rows_only() {
    let mut conn = filled_by(FILL).await;
    for _ in 0..10 {
        look_up(&mut conn, 1).await;
    }
    conn.batch_execute(GROW).await.unwrap();
    let read = look_up(&mut conn, 2).await;
    assert!(read.iter().all(|rows| *rows <= 110), "{read:?} rows");
}

/// The log since the first revision: 50 entries, and the 50,000 contacts that they created.
#[tokio::test]
async fn the_log_that_was_planned_on_an_empty_database_reads_its_contacts_once() {
    let mut conn = filled_by(FILL).await;
    let filter = LogFilter {
        contacts: true,
        ..LogFilter::default()
    };
    let known = Commit::default();
    for _ in 0..10 {
        let tail = store::log::changes_since(&mut conn, 1, &[known], &filter).await;
        tail.unwrap();
    }
    conn.batch_execute(GROW).await.unwrap();
    conn.batch_execute("BEGIN").await.unwrap();
    let before = rows_read(&mut conn).await;
    let tail = store::log::changes_since(&mut conn, 2, &[known], &filter).await;
    let rows = rows_read(&mut conn).await - before;
    conn.batch_execute("COMMIT").await.unwrap();
    tail.unwrap();
    assert!(
        rows >= 100_000,
        "it reads {rows} rows, not all contacts with their companies"
    );
    assert!(rows <= 110_000, "{rows} rows");
}

/// A company with three persons each: its sets are read by the indexes of ids and companies.
#[tokio::test]
async fn companies_that_were_planned_on_an_empty_database_read_their_contacts_only() {
    let mut conn = filled_by(FILL).await;
    let companies: Vec<i32> = (1..=50).collect();
    for _ in 0..10 {
        let sets = store::sets::contacts_of_companies(&mut conn, 1, &companies).await;
        sets.unwrap();
    }
    conn.batch_execute(GROW).await.unwrap();
    conn.batch_execute(PEOPLE).await.unwrap();
    conn.batch_execute("BEGIN").await.unwrap();
    let before = rows_read(&mut conn).await;
    let sets = store::sets::contacts_of_companies(&mut conn, 2, &companies).await;
    let rows = rows_read(&mut conn).await - before;
    conn.batch_execute("COMMIT").await.unwrap();
    let (_, sets) = sets.unwrap();
    assert!(sets.len() == 50 && sets.values().all(|set| set.len() == 4));
    assert!(rows <= 260, "{rows} rows");
}
