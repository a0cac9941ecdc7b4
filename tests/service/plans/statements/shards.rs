//! What lets a statement run on one shard of a distributed database, and which is seen without one: it
//! says of every table which tenant it is about.

use std::{fs, sync::LazyLock};

use regex::Regex;

use crate::support::source::sources;

/// Tables that every node has whole. All others are distributed by tenant.
const REFERENCE_TABLES: &[&str] = &["tenants", "deleted_tenants"];

/// Views over distributed tables.
const VIEWS: &[&str] = &["commits", "heads", "present_tenants"];

/// What reads all tenants: a statement is excused if it contains one of these texts.
const OF_ALL_TENANTS: &[&str] = &[
    // ListTenants.
    "sum(c.mailing_group_count) OVER (ORDER BY t.name)",
];

/// A part of a statement that names one of these tables.
fn after(words: &str, tables: &[&str]) -> Regex {
    let tables = tables.join("|");
    Regex::new(&format!(r"\b(?:{words})\s+(?:{tables})\b")).unwrap()
}

/// Where a statement names distributed tables.
static DISTRIBUTED: LazyLock<Regex> = LazyLock::new(|| {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema.rs");
    let schema = fs::read_to_string(schema).unwrap();
    let heads = schema.lines().filter_map(|line| line.strip_suffix(") {"));
    let tables = heads.filter_map(|head| Some(head.split_once(" (")?.0.trim()));
    let tables: Vec<_> = tables.filter(|it| !REFERENCE_TABLES.contains(it)).collect();
    assert!(tables.contains(&"memberships"), "{tables:?}");
    let all = [&tables[..], VIEWS].concat();
    after("FROM|JOIN|UPDATE|INTO|USING", &all)
});

static REFERENCE_WRITES: LazyLock<Regex> =
    LazyLock::new(|| after("INSERT INTO|UPDATE|DELETE FROM", REFERENCE_TABLES));

/// Where it names the tenant: in a condition, or in the columns of an `INSERT`.
static TENANT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\btenant_id = |\(tenant_id[,)]").unwrap());

static PARAMETER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\btenant_id = (ANY \()?\$\d|(VALUES \(|SELECT )\$\d").unwrap());

/// Where it names the tenant of a row that is found by its location.
static CHANGED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\btenant_id = \$\d+::float8").unwrap());

static COMMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new("--[^\n]*").unwrap());

/// A text in one line, without comments and quotes.
fn plain(text: &str) -> String {
    let text = COMMENT.replace_all(text, "").replace('"', "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a statement is about all tenants, or of PostgreSQL's own for foreign keys.
pub(super) fn is_excused(text: &str) -> bool {
    let text = plain(text);
    text.contains(" FROM ONLY ") || OF_ALL_TENANTS.iter().any(|it| text.contains(it))
}

pub(super) fn names_distributed_tables(text: &str) -> bool {
    DISTRIBUTED.is_match(&plain(text))
}

/// Why a statement would not run on one shard. Those that find the tenant by BETWEEN are for a plain
/// PostgreSQL: Citus gets others.
pub(super) fn fault(text: &str) -> Option<&'static str> {
    if is_excused(text) || text.contains("tenant_id BETWEEN") {
        return None;
    }
    let text = plain(text);
    let tables = DISTRIBUTED.find_iter(&text).count();
    let tenants = TENANT.find_iter(&text).count();
    if tables > 0 && !PARAMETER.is_match(&text) || text.contains("tenant_id = (") {
        Some("names no tenant by a parameter")
    } else if tables > tenants {
        Some("does not say of each table whose rows it is about")
    } else if text.matches("ctid = ").count() > CHANGED.find_iter(&text).count() {
        Some("finds rows by ctid, and other shards have the same")
    } else if REFERENCE_WRITES.is_match(&text) && tables > 0 {
        Some("writes a reference table and names a distributed one")
    } else {
        None
    }
}

#[test]
fn statements_in_files_are_about_one_tenant() {
    let files = sources(&["src/store/sql"], "sql").into_iter();
    // `check` goes through all tenants, and may take its time.
    let files = files.filter(|it| !it.path.contains("/check/"));
    let faults = files.filter_map(|it| Some(format!("{} {}", it.path, fault(&it.text)?)));
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn what_other_shards_would_do_too_is_found() {
    for (text, expected) in [
        (
            "SELECT FROM contacts WHERE tenant_id = $1 AND id = $2",
            None,
        ),
        ("SELECT FROM tenants WHERE name = $1", None),
        (
            "DELETE FROM contacts WHERE id = $1",
            Some("names no tenant"),
        ),
        (
            "SELECT FROM contacts WHERE tenant_id = (SELECT $1)",
            Some("names no tenant"),
        ),
        (
            "SELECT FROM heads h JOIN contacts c ON c.revision = h.revision WHERE h.tenant_id = $1",
            Some("does not say"),
        ),
        (
            "UPDATE contacts c SET kind = 1 FROM (SELECT ctid FROM contacts WHERE tenant_id = $1) l WHERE c.ctid = l.ctid",
            Some("does not say"),
        ),
        (
            "DELETE FROM contacts WHERE tenant_id = $1 AND ctid = $2",
            Some("finds rows"),
        ),
        (
            "WITH a AS (DELETE FROM clocks WHERE tenant_id = $1) UPDATE tenants SET deleting = true WHERE tenant_id = $1",
            Some("writes a reference"),
        ),
    ] {
        let found = fault(text);
        let is_expected = expected.map_or(found.is_none(), |it| {
            found.is_some_and(|found| found.starts_with(it))
        });
        assert!(is_expected, "{text}: {found:?}");
    }
}
