//! How much selections by attributes and lists of attributes read.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use mailing_groups::{
    model::{
        Expression, PageSize,
        expression::{AttributeTest, Node, Operand, Term},
    },
    store,
};

use super::{CONTACTS, filled, rows_read};

/// Each contact has an attribute of a hundred values, one that is the same for all, and one of its own.
const FILL: &str = "
    SET session_replication_role = replica;
    INSERT INTO contact_attributes SELECT 1, n, 'class', 'A' FROM generate_series(1, 200000) n;
    INSERT INTO contact_attributes
        SELECT 1, n, 'territory', 'T' || n % 100 FROM generate_series(1, 200000) n;
    INSERT INTO contact_attributes SELECT 1, n, 'serial', 'S' || n FROM generate_series(1, 200000) n;
    SET session_replication_role = origin";

fn test(expression: &str) -> AttributeTest {
    let expression: Expression = expression.parse().unwrap();
    match expression.root() {
        Node::Operand(Operand {
            term: Term::Attribute(test),
            ..
        }) => test.clone(),
        other => panic!("{other:?}"),
    }
}

/// Reads a set repeatedly; checks its size, and that no other rows are read.
async fn assert_reads_its_rows(conn: &mut AsyncPgConnection, expression: &str, rows: [usize; 2]) {
    let [length, most] = rows;
    let AttributeTest { key, values } = test(expression);
    for _ in 0..7 {
        conn.batch_execute("BEGIN").await.unwrap();
        let before = rows_read(conn).await;
        let set = store::sets::with_attribute(conn, 1, &key, &values[0]).await;
        assert_eq!(set.unwrap().1.len(), length as u64, "{expression}");
        let read = rows_read(conn).await - before;
        // The row of the tenant, too.
        assert!(read <= most as i64 + 10, "{expression}: {read} rows");
        conn.batch_execute("COMMIT").await.unwrap();
    }
}

async fn assert_all(conn: &mut AsyncPgConnection) {
    for (expression, length, most) in [
        ("territory = T42", 2_000, 2_000),
        ("territory = \"T4*\"", 22_000, 22_000),
        ("territory = \"*2\"", 20_000, CONTACTS),
        ("has territory", CONTACTS, CONTACTS),
        ("serial = S77", 1, 1),
        ("serial = \"S7777?\"", 10, 11),
        ("serial = \"*777\"", 200, CONTACTS),
        ("serial = none", 0, 0),
        ("unknown = \"*\"", 0, 0),
    ] {
        assert_reads_its_rows(conn, expression, [length, most]).await;
    }
    for (key, after, length, most) in [
        (Some("serial"), "S5", 6, 30),
        (Some("serial"), "", 6, 30),
        (Some("territory"), "T5", 6, 6 * 2_000 + 30),
        (Some("unknown"), "", 0, 0),
    ] {
        let (key, after) = (key.map(|it| it.parse().unwrap()), after.to_owned());
        for _ in 0..7 {
            conn.batch_execute("BEGIN").await.unwrap();
            let before = rows_read(conn).await;
            let size = PageSize::new(5, 5, 5).unwrap();
            let page =
                store::contacts::attribute_values(conn, 1, key.as_ref(), Some(&after), size).await;
            assert_eq!(page.unwrap().len(), length, "{key:?}");
            let read = rows_read(conn).await - before;
            assert!(read <= most, "{key:?} after {after}: {read} rows");
            conn.batch_execute("COMMIT").await.unwrap();
        }
    }
}

#[tokio::test]
async fn attributes_are_found_by_their_index_whatever_the_statistics_say() {
    let mut conn = filled().await;
    let no_statistics = "ALTER TABLE contact_attributes SET (autovacuum_enabled = false);
        SET enable_seqscan = off";
    conn.batch_execute(no_statistics).await.unwrap();
    // Planned while the table is empty, as the service plans.
    let AttributeTest { key, values } = test("territory = T42");
    for _ in 0..7 {
        let set = store::sets::with_attribute(&mut conn, 1, &key, &values[0]).await;
        assert!(set.unwrap().1.is_empty());
    }
    conn.batch_execute(FILL).await.unwrap();
    assert_all(&mut conn).await;
    conn.batch_execute("ANALYZE contact_attributes")
        .await
        .unwrap();
    assert_all(&mut conn).await;
}
