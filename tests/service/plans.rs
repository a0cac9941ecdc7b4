//! How much lists read of a tenant with very many contacts.
//!
//! A tenth of the contacts are companies, whose ids come first. What a page reads is counted in
//! rows, as PostgreSQL counts them for the transaction; times depend on the machine.

mod attributes;
mod email;
mod planning;
mod search;
mod statements;
mod young;

use diesel::{prelude::*, sql_types::BigInt};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use mailing_groups::{
    model::{ContactKind, GroupOrder, PageSize},
    store::{self, contacts::ContactFilter},
};

use crate::support::{Server, Tenant};

const CONTACTS: usize = 200_000;

/// The groups, by number: a few members, one in a hundred, every other one, and only the last
/// five thousand.
const FILL: &str = "
    SET session_replication_role = replica;
    DELETE FROM mailing_groups;
    UPDATE clocks SET tenant_id = 1;
    UPDATE tenants SET tenant_id = 1;
    DROP INDEX contacts_search_name_idx;
    INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, company_id,
            revision, create_time, update_time)
        SELECT 1, n, CASE WHEN n <= 20000 THEN 'C' ELSE 'P' END || lpad(n::text, 7, '0'),
            CASE WHEN n <= 20000 THEN 1 ELSE 2 END, 'x',
            CASE WHEN n > 190000 THEN 'late ' ELSE 'name ' END || n,
            CASE WHEN n > 20000 THEN 'C' || lpad((n % 20000 + 1)::text, 7, '0') END, 1, now(), now()
        FROM generate_series(1, 200000) AS n;
    INSERT INTO mailing_groups (tenant_id, group_id, code, description, revision, create_time,
            update_time)
        SELECT 1, n, 'G' || n, '', 1, now(), now() FROM generate_series(1, 20000) AS n;
    INSERT INTO memberships SELECT 1, 1, n, 1, now() FROM generate_series(1, 200000, 20000) AS n;
    INSERT INTO memberships SELECT 1, 2, n, 1, now() FROM generate_series(1, 200000, 100) AS n;
    INSERT INTO memberships SELECT 1, 3, n, 1, now() FROM generate_series(1, 200000, 2) AS n;
    INSERT INTO memberships SELECT 1, 4, n, 1, now() FROM generate_series(195001, 200000) AS n;
    INSERT INTO memberships SELECT 1, n, 1, 1, now() FROM generate_series(5, 5000) AS n;
    CREATE INDEX contacts_search_name_idx
        ON contacts USING gin (tenant_id, search_name gin_trgm_ops);
    SET session_replication_role = origin;
    SET max_parallel_workers_per_gather = 0;
    ANALYZE";

async fn filled() -> AsyncPgConnection {
    filled_by(FILL).await
}

async fn filled_by(fill: &str) -> AsyncPgConnection {
    let server = Server::start().await;
    Tenant::of(&server, "large").await.group("FIRST").await;
    let mut conn = AsyncPgConnection::establish(&server.database_url)
        .await
        .unwrap();
    conn.batch_execute(fill).await.unwrap();
    conn
}

/// The table rows that this connection has read recently, in this transaction or before.
async fn rows_read(conn: &mut AsyncPgConnection) -> i64 {
    #[derive(QueryableByName)]
    struct Read {
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    let text = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint AS rows \
        FROM pg_stat_xact_user_tables";
    let read: Read = diesel::sql_query(text).get_result(conn).await.unwrap();
    read.rows
}

/// The contacts of a page and the rows that it reads, when it is read repeatedly.
async fn page(conn: &mut AsyncPgConnection, filter: &ContactFilter, after: &str) -> (usize, i64) {
    let after = (!after.is_empty()).then(|| after.parse().unwrap());
    let size = PageSize::new(50, 50, 50).unwrap();
    let mut last = (0, 0);
    for _ in 0..7 {
        conn.batch_execute("BEGIN").await.unwrap();
        let before = rows_read(conn).await;
        let found = store::contacts::page(conn, 1, filter, after.as_ref(), size)
            .await
            .unwrap();
        assert!(found.is_sorted_by(|a, b| a.id < b.id));
        last = (found.len(), rows_read(conn).await - before);
        conn.batch_execute("COMMIT").await.unwrap();
    }
    last
}

#[tokio::test]
async fn lists_read_few_more_rows_than_they_return() {
    let mut conn = filled().await;
    let any = ContactFilter::default;
    let group = |number| ContactFilter {
        group_id: Some(number),
        ..any()
    };
    let name = |text: &str| ContactFilter {
        name_contains: text.into(),
        ..any()
    };
    let kind = |kind| ContactFilter {
        kind: Some(kind),
        ..any()
    };
    let of = |company: &str| ContactFilter {
        company_id: company.parse().ok(),
        ..any()
    };
    // A page that has to look for its contacts looks through 4,096, in up to three ways, before it
    // gathers what matches; that, too, may be read three times.
    let (direct, near) = (60, 12_300);
    for (what, filter, after, length, most) in [
        ("all", any(), "", 51, direct),
        ("all, deep", any(), "P0190000", 51, direct),
        (
            "prefix",
            ContactFilter {
                prefix: "P01999".into(),
                ..any()
            },
            "",
            51,
            direct,
        ),
        (
            "companies",
            kind(ContactKind::Company),
            "C0015000",
            51,
            direct,
        ),
        ("persons", kind(ContactKind::Person), "", 51, direct),
        ("people of a company", of("C0000777"), "", 9, direct),
        ("few members", group(1), "", 10, near),
        ("members, one in a hundred", group(2), "", 51, near + 6_000),
        ("members, every other", group(3), "", 51, near),
        ("members, every other, deep", group(3), "P0190000", 51, near),
        ("members, the last ones", group(4), "", 51, near + 15_000),
        (
            "members, the last ones, deep",
            group(4),
            "P0195000",
            51,
            near + 15_000,
        ),
        (
            "company members",
            ContactFilter {
                kind: Some(ContactKind::Company),
                ..group(4)
            },
            "",
            0,
            near + 25_000,
        ),
        ("name of one", name("me 177777"), "", 1, near),
        ("name of none", name("nobody"), "", 0, near),
        ("name of all", name("name"), "", 51, near),
        ("name of all, deep", name("name"), "P0150000", 51, near),
        ("name of the last ones", name("late"), "", 51, near + 15_000),
        (
            "name, of a company",
            ContactFilter {
                name_contains: "name".into(),
                ..of("C0000777")
            },
            "",
            9,
            near,
        ),
        (
            "name, among few members",
            ContactFilter {
                name_contains: "name".into(),
                ..group(1)
            },
            "",
            10,
            near,
        ),
    ] {
        let (found, rows) = page(&mut conn, &filter, after).await;
        assert_eq!(found, length, "{what}");
        assert!(rows <= most, "{what}: {rows} rows");
    }
    groups_are_found_by_their_order(&mut conn).await;
    let all = i64::try_from(CONTACTS).unwrap();
    // A column that no index has: else an index may be enough, which counts no rows.
    assert!(
        rows_of(&mut conn, "SELECT name FROM contacts").await >= all,
        "rows are counted"
    );
}

/// A page reads what it returns, also one of a prefix that all groups have.
async fn groups_are_found_by_their_order(conn: &mut AsyncPgConnection) {
    let size = PageSize::new(50, 50, 50).unwrap();
    let (order, after) = (GroupOrder::default(), "0:G15000".parse().unwrap());
    for (prefix, found_after) in [("", 51), ("G1999", 11), ("G", 51), ("G1", 51)] {
        conn.batch_execute("BEGIN").await.unwrap();
        let before = rows_read(conn).await;
        let found = store::mailing_groups::page(conn, 1, prefix, order, Some(&after), size)
            .await
            .unwrap();
        assert_eq!(found.len(), found_after);
        assert!(rows_read(conn).await - before <= 60, "{prefix:?}");
        conn.batch_execute("COMMIT").await.unwrap();
    }
}

/// How many rows a statement reads.
async fn rows_of(conn: &mut AsyncPgConnection, text: &str) -> i64 {
    conn.batch_execute("BEGIN").await.unwrap();
    let before = rows_read(conn).await;
    conn.batch_execute(text).await.unwrap();
    let rows = rows_read(conn).await - before;
    conn.batch_execute("COMMIT").await.unwrap();
    rows
}

#[tokio::test]
async fn an_export_reads_only_its_contacts_and_their_companies() {
    let mut conn = filled().await;
    for (first, since, length) in [(1, 0, 1_000), (150_000, 0, 2_000), (150_000, 1, 1_000)] {
        let numbers: Vec<i32> = (first..first + 1_000).collect();
        for _ in 0..7 {
            conn.batch_execute("BEGIN").await.unwrap();
            let before = rows_read(&mut conn).await;
            let found = store::contacts::with_companies(&mut conn, 1, &numbers, since).await;
            assert_eq!(found.unwrap().len(), length);
            let read = rows_read(&mut conn).await - before;
            assert!(read <= 3_100, "{read} rows after {first}, since {since}");
            conn.batch_execute("COMMIT").await.unwrap();
        }
    }
}
