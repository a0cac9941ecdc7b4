//! Databases that cannot be served are refused at start, with what to do.

use super::{parts, refusal};
use crate::support::{Sql, database, migrate};

#[tokio::test]
async fn a_database_in_another_encoding_than_utf8_is_refused() {
    let url = database().await;
    let (name, _) = parts(&url);
    let sql = Sql::connect(&url).await;
    for encoding in ["SQL_ASCII", "LATIN1"] {
        let other = format!("{name}_{}", encoding.to_lowercase());
        sql.run(&format!(
            "CREATE DATABASE {other} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
        ))
        .await;
        let refusal = refusal(&url.replace(name, &other), &[]).await;
        for part in [encoding, "ENCODING 'UTF8'", &other] {
            assert!(refusal.contains(part), "{refusal}");
        }
    }
}

#[tokio::test]
async fn a_role_that_may_not_migrate_is_told_what_to_grant() {
    let url = database().await;
    let (name, url_of) = parts(&url);
    let sql = Sql::connect(&url).await;
    let role = format!("reader_of_{name}");
    sql.run(&format!(
        "CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM public"
    ))
    .await;
    let refusal = refusal(&url_of(&role), &[]).await;
    for part in [
        format!("GRANT CREATE ON SCHEMA public TO {role}"),
        "CREATE EXTENSION btree_gin".to_owned(),
        "CREATE EXTENSION pg_trgm".to_owned(),
    ] {
        assert!(refusal.contains(&part), "{refusal}");
    }
}

#[tokio::test]
async fn a_role_without_rights_in_tables_is_told_which() {
    let url = database().await;
    migrate(&url).await;
    let (name, url_of) = parts(&url);
    let sql = Sql::connect(&url).await;
    let role = format!("nobody_of_{name}");
    sql.run(&format!("CREATE ROLE {role} LOGIN")).await;
    let tables = "SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class \
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
    let tables: String = sql.rows(tables, &[]).await[0].get(0);
    let refusal = refusal(&url_of(&role), &[]).await;
    assert!(
        refusal.contains(&format!(" in {tables}; GRANT")),
        "{refusal}\n{tables}"
    );
}

#[tokio::test]
async fn a_search_path_without_a_schema_is_refused() {
    let url = database().await;
    let (name, _) = parts(&url);
    let sql = Sql::connect(&url).await;
    sql.run(&format!("ALTER DATABASE {name} SET search_path = nowhere"))
        .await;
    let refusal = refusal(&url, &[]).await;
    assert!(refusal.contains("search_path (nowhere)"), "{refusal}");
}
