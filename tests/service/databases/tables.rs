//! Tables of another version than the program's.

use super::{parts, refusal, start};
use crate::support::{Sql, company, database, migrate, program::command};

/// Forgets that the last migration has run.
const OLDER: &str = "DELETE FROM __diesel_schema_migrations WHERE version = \
    (SELECT max(version) FROM __diesel_schema_migrations)";

/// A migration of a later version has run, which programs of this version can serve.
const NEWER: &str = "INSERT INTO __diesel_schema_migrations VALUES ('29991231000000'); \
    ALTER TABLE contacts ADD COLUMN of_later_versions text NOT NULL DEFAULT ''";

/// They cannot.
const BREAKS: &str = "CREATE OR REPLACE VIEW compatibility AS \
    SELECT '29991231000000'::text AS oldest_served_migration";

#[tokio::test]
async fn older_tables_are_refused_without_migrating_them() {
    let url = database().await;
    migrate(&url).await;
    Sql::connect(&url).await.run(OLDER).await;
    let refusal = refusal(&url, &["--no-migrate"]).await;
    assert!(refusal.contains("older version"), "{refusal}");
    assert!(refusal.contains("`mailing-groups migrate`"), "{refusal}");
}

#[tokio::test]
async fn newer_tables_are_refused_and_not_changed() {
    let url = database().await;
    migrate(&url).await;
    let sql = Sql::connect(&url).await;
    sql.run(NEWER).await;
    sql.run(BREAKS).await;
    for arguments in [&["--no-migrate"] as &[_], &[]] {
        let refusal = refusal(&url, arguments).await;
        assert!(refusal.contains("newer version"), "{refusal}");
    }
    let migrated = command(["migrate", "--database-url", &url])
        .output()
        .unwrap();
    let error = String::from_utf8(migrated.stderr).unwrap();
    assert!(!migrated.status.success());
    assert!(error.contains("newer version"), "{error}");
}

#[tokio::test]
async fn newer_tables_that_allow_this_version_are_served() {
    let url = database().await;
    migrate(&url).await;
    Sql::connect(&url).await.run(NEWER).await;
    let mut service = start(&url, &[]).await;
    service.tenant.group("MOVE").await;
    service.tenant.create(company("A")).await;
    service.tenant.assign("A", "MOVE").await;
    assert_eq!(service.tenant.members("MOVE").await, ["A"]);
    let log = service.program.log();
    assert!(log.contains("from a newer version"), "{log}");
}

#[tokio::test]
async fn a_role_that_may_only_read_and_write_rows_serves_a_migrated_database() {
    let url = database().await;
    migrate(&url).await;
    let (name, url_of) = parts(&url);
    let role = format!("writer_of_{name}");
    let sql = Sql::connect(&url).await;
    sql.run(&format!(
        "CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM public; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    ))
    .await;
    let mut service = start(&url_of(&role), &[]).await;
    service.tenant.group("MOVE").await;
    service.tenant.create(company("A")).await;
    service.tenant.assign("A", "MOVE").await;
    assert_eq!(service.tenant.members("MOVE").await, ["A"]);
    let migrated = command(["migrate", "--database-url", &url_of(&role)]).output();
    assert_eq!(
        String::from_utf8(migrated.unwrap().stdout).unwrap(),
        "The database is up to date.\n"
    );
}
