//! The tables: the migrations in both directions, and rules for all tables.

mod upgrades;

use std::{collections::BTreeSet, fs};

use mailing_groups::store;
use regex::Regex;
use tokio_postgres::Client;

use crate::support::{PATIENCE, database, runtime, tables::connect};

/// A new database with the tables in it.
async fn migrated() -> (String, Client) {
    let url = database().await;
    let to = url.clone();
    runtime()
        .spawn(async move { store::migrate(&to, PATIENCE).await })
        .await
        .unwrap()
        .unwrap();
    let client = connect(&url).await;
    (url, client)
}

/// The texts of a file of each migration, in order.
fn migrations(file: &str) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|it| it.unwrap().path().join(file)).collect();
    files.sort();
    let texts = files.iter().map(|it| fs::read_to_string(it).unwrap());
    texts.collect()
}

/// The first column of what a query answers.
async fn texts(client: &Client, text: &str) -> Vec<String> {
    let rows = client.query(text, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Everything of the schema `public` and all extensions, but Diesel's own list of migrations.
async fn objects(client: &Client) -> Vec<String> {
    let text = "SELECT 'class ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace \
            AND relname NOT LIKE '\\_\\_diesel%' \
        UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace \
            AND typname !~ '^_?__diesel' \
        UNION ALL SELECT 'function ' || oid::regprocedure FROM pg_proc \
            WHERE pronamespace = 'public'::regnamespace \
        UNION ALL SELECT 'operator ' || oid::regoperator FROM pg_operator \
            WHERE oprnamespace = 'public'::regnamespace \
        UNION ALL SELECT 'extension ' || extname FROM pg_extension \
        ORDER BY 1";
    texts(client, text).await
}

#[tokio::test]
async fn reverting_the_migrations_leaves_an_empty_database() {
    let (url, client) = migrated().await;
    let made = objects(&client).await;
    assert!(made.contains(&"class contacts".to_owned()), "{made:?}");
    for down in migrations("down.sql").iter().rev() {
        client.batch_execute(down).await.unwrap();
    }
    let own = "DROP TABLE __diesel_schema_migrations";
    client.batch_execute(own).await.unwrap();
    assert_eq!(objects(&client).await, ["extension plpgsql"]);
    let again = runtime().spawn(async move { store::migrate(&url, PATIENCE).await });
    assert!(!again.await.unwrap().unwrap().is_empty());
    assert_eq!(objects(&client).await, made);
}

#[tokio::test]
async fn repeated_and_concurrent_migrations_are_idempotent() {
    let url = database().await;
    let migrate = || {
        let url = url.clone();
        runtime().spawn(async move { store::migrate(&url, PATIENCE).await })
    };
    let (one, two) = tokio::join!(migrate(), migrate());
    let mut ran = [one.unwrap().unwrap().len(), two.unwrap().unwrap().len()];
    ran.sort_unstable();
    assert_eq!(ran[0], 0);
    assert!(ran[1] > 0);
    assert_eq!(migrate().await.unwrap().unwrap().len(), 0);
}

/// The content of `src/schema.rs`: table, keys, and each column with Diesel's type.
fn declared() -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema.rs");
    let text = fs::read_to_string(path).unwrap();
    let mut found = BTreeSet::new();
    let mut table = "";
    for line in text.lines().map(str::trim) {
        if let (Some((name, _)), true) = (line.split_once(" ("), line.ends_with(") {")) {
            table = name;
            found.insert(line.trim_end_matches(" {").to_owned());
        } else if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ")
            && !line.starts_with("diesel::")
        {
            found.insert(format!("{table}.{column} {kind}"));
        }
    }
    found
}

#[tokio::test]
async fn the_schema_in_rust_matches_the_tables() {
    let (_, client) = migrated().await;
    let columns = "SELECT table_name || '.' || column_name || ' ' || \
            CASE WHEN is_nullable = 'YES' THEN format('Nullable<%s>', t) ELSE t END \
        FROM information_schema.columns, LATERAL (SELECT CASE \
            WHEN udt_name ~ '^_' THEN format('Array<Nullable<%s>>', initcap(substr(udt_name, 2))) \
            ELSE initcap(udt_name) END AS t) AS diesel \
        WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%' \
            AND table_name NOT IN (SELECT table_name FROM information_schema.views)";
    let keys = "SELECT c.conrelid::regclass || ' (' || string_agg(a.attname, ', ' ORDER BY k.place) || ')' \
        FROM pg_constraint c, unnest(c.conkey) WITH ORDINALITY AS k (attnum, place), pg_attribute a \
        WHERE c.contype = 'p' AND c.connamespace = 'public'::regnamespace \
            AND a.attrelid = c.conrelid AND a.attnum = k.attnum \
            AND c.conrelid::regclass::text NOT LIKE '\\_\\_diesel%' \
        GROUP BY c.conrelid";
    let mut stored: BTreeSet<String> = texts(&client, columns).await.into_iter().collect();
    stored.extend(texts(&client, keys).await);
    assert_eq!(declared(), stored);
}

/// PostgreSQL names an unnamed constraint with the table, its columns and, for a second one, a
/// number. A check over several columns gets only the table's name.
#[tokio::test]
async fn every_constraint_and_index_is_named_explicitly() {
    let (_, client) = migrated().await;
    let text = "SELECT conname::text FROM pg_constraint c \
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n' \
            AND conrelid::regclass::text NOT LIKE '\\_\\_diesel%' \
        UNION SELECT indexrelid::regclass::text FROM pg_index i \
            JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'public'::regnamespace \
        WHERE indrelid::regclass::text NOT LIKE '\\_\\_diesel%' ORDER BY 1";
    let names = texts(&client, text).await;
    assert!(names.len() > 40, "{names:?}");
    let migrations = migrations("up.sql").concat();
    for name in names {
        let named = [format!("CONSTRAINT {name} "), format!("INDEX {name} ")];
        assert!(
            named.iter().any(|words| migrations.contains(words)),
            "{name}"
        );
    }
}

/// On Citus, which knows the tables of earlier ones only as they were in the end, a constraint is added by
/// itself. Statements about tables that exist are in a block, which runs them one at a time: Citus sends the
/// whole text of a command to its workers.
#[test]
fn later_migrations_run_on_citus() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let folders = fs::read_dir(folder).unwrap().map(|it| it.unwrap());
    let later = folders.filter(|it| *it.file_name() > *"2026-11-27-000082_validated_id_rules");
    for folder in later {
        let text = fs::read_to_string(folder.path().join("up.sql")).unwrap();
        assert_eq!(fault_on_citus(&text), None, "{:?}", folder.file_name());
    }
}

fn fault_on_citus(text: &str) -> Option<&str> {
    let actions = ["ADD ", "DROP ", "ALTER COLUMN ", "VALIDATE "];
    let combined = |statement: &&str| {
        let count: usize = actions.iter().map(|it| statement.matches(it).count()).sum();
        statement.contains("ADD CONSTRAINT") && count > 1
    };
    let tables = Regex::new(r"(?:ALTER TABLE|INDEX \w+\s+ON)\s+(\w+)").unwrap();
    let outside = text.split("$$").step_by(2);
    let mut of_tables = outside.flat_map(|it| tables.captures_iter(it));
    let of_others = of_tables.find(|it| !text.contains(&format!("CREATE TABLE {} (", &it[1])));
    let of_others = of_others.map(|it| it.get(0).unwrap().as_str());
    text.split(';').find(combined).or(of_others)
}

#[test]
fn what_citus_refuses_in_a_migration_is_found() {
    for (text, is_right) in [
        (
            "CREATE TABLE a (b int); CREATE INDEX a_b_idx ON a (b);",
            true,
        ),
        (
            "DO $$ BEGIN ALTER TABLE a ADD b int; ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0); END $$;",
            true,
        ),
        (
            "DO $$ BEGIN ALTER TABLE a ADD b int, ADD CONSTRAINT c CHECK (b > 0); END $$;",
            false,
        ),
        ("ALTER TABLE a ADD b int;", false),
    ] {
        assert_eq!(fault_on_citus(text).is_none(), is_right, "{text}");
    }
}

#[tokio::test]
async fn keys_and_references_start_with_the_tenant() {
    let (_, client) = migrated().await;
    let text = "SELECT conname::text FROM pg_constraint c \
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
        WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f') \
            AND a.attname <> 'tenant_id' AND conrelid::regclass::text NOT LIKE '\\_\\_diesel%'";
    assert_eq!(texts(&client, text).await, ["tenants_name_key"]);
    let tables = "SELECT relname::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace \
        AND relkind = 'r' AND relname NOT LIKE '\\_\\_diesel%' AND NOT EXISTS ( \
            SELECT FROM pg_constraint p WHERE p.conrelid = c.oid AND p.contype = 'p')";
    assert_eq!(
        texts(&client, tables).await,
        Vec::<String>::new(),
        "tables without a key"
    );
}

/// Deleting a referenced row looks for the references; without an index it reads the whole table.
#[tokio::test]
async fn every_reference_has_an_index_that_starts_with_its_columns() {
    let (_, client) = migrated().await;
    let text = "SELECT c.conname::text FROM pg_constraint c \
        WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND NOT EXISTS ( \
            SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND ( \
                SELECT array_agg(k.attnum) FROM unnest(i.indkey::smallint[]) WITH ORDINALITY \
                    AS k (attnum, place) WHERE k.place <= cardinality(needed)) @> needed) \
        ";
    // A column computed from the others adds nothing to an index.
    let needed = "ARRAY(SELECT k FROM unnest(c.conkey) AS k JOIN pg_attribute a \
        ON a.attrelid = c.conrelid AND a.attnum = k AND a.attgenerated = '')";
    let text = text.replace("needed", needed);
    assert_eq!(texts(&client, &text).await, Vec::<String>::new());
}

/// With statistics, a tenant that is newer than they are counts as empty: see the migration `statistics`.
#[tokio::test]
async fn there_are_no_statistics_of_tenants() {
    let (_, client) = migrated().await;
    let text = "SELECT a.attrelid::regclass::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' \
            AND a.attname = 'tenant_id' AND a.attstattarget IS DISTINCT FROM 0";
    assert_eq!(texts(&client, text).await, Vec::<String>::new());
}

#[tokio::test]
async fn there_are_no_triggers_sequences_rules_or_functions() {
    let (_, client) = migrated().await;
    let text = "SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal \
        UNION ALL SELECT 'sequence ' || relname FROM pg_class WHERE relkind = 'S' \
        UNION ALL SELECT 'rule ' || rulename FROM pg_rules WHERE schemaname = 'public' \
        UNION ALL SELECT 'function ' || proname FROM pg_proc p \
            WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS ( \
                SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')";
    assert_eq!(texts(&client, text).await, Vec::<String>::new());
}
