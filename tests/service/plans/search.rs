//! Searches of a tenant that was just imported: the planner knows nothing about its names.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use mailing_groups::store::contacts::ContactFilter;

use super::{FILL, filled_by, page};

#[tokio::test]
async fn searches_use_their_indexes_without_statistics() {
    let fresh = "ALTER TABLE contacts SET (autovacuum_enabled = false);
        ALTER TABLE mailing_groups SET (autovacuum_enabled = false);";
    let fill = format!("{fresh}{}", FILL.replace("ANALYZE", ""));
    let mut conn = filled_by(&fill).await;
    for (text, length) in [("ME 177777", 1), ("ｌáte 19000", 9), ("nobody", 0)] {
        let filter = ContactFilter {
            name_contains: text.into(),
            ..ContactFilter::default()
        };
        let (found, rows) = page(&mut conn, &filter, "").await;
        assert_eq!(found, length, "{text}");
        assert!(rows <= 12_300, "{text}: {rows} rows");
    }
    for (text, index) in [
        (
            "SELECT id FROM contacts WHERE tenant_id = 1 AND search_name LIKE '%me 177777%' \
                AND id > 'C0004096' ORDER BY id || '' LIMIT 51",
            "contacts_search_name_idx",
        ),
        (
            "SELECT code FROM mailing_groups WHERE tenant_id = 1 AND search_code >= 'G19' \
                AND search_code < 'G19\u{10FFFF}' ORDER BY code LIMIT 51",
            "mailing_groups_",
        ),
    ] {
        let plan = plan(&mut conn, text).await;
        assert!(plan.contains(index), "{plan}");
        assert!(!plan.contains("Seq Scan"), "{plan}");
    }
}

/// The plan of a statement.
async fn plan(conn: &mut AsyncPgConnection, text: &str) -> String {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
        line: String,
    }
    let lines: Vec<Line> = diesel::sql_query(format!("EXPLAIN {text}"))
        .load(conn)
        .await
        .unwrap();
    let lines: Vec<_> = lines.into_iter().map(|it| it.line).collect();
    lines.join("\n")
}
