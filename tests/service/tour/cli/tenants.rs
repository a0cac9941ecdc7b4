//! `tenant`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fails;
use crate::tour::service::Service;

#[tokio::test]
async fn tenants_are_created_shown_listed_and_deleted() {
    let service = tokio::task::spawn_blocking(Service::shared).await.unwrap();
    let run = async |arguments: &'static str| {
        let service = Arc::clone(&service);
        let run = move || service.run("ignored", arguments);
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let created = run("tenant create cli-tenant").await.stdout;
    let tenant: Value = serde_json::from_str(&created).unwrap();
    assert_eq!(
        (&tenant["name"], &tenant["revision"]),
        (&json!("cli-tenant"), &json!(0))
    );
    assert_eq!(tenant["counts"]["contact_count"], 0);
    assert_eq!(run("tenant list cli-tenant").await.stdout, created);
    let limited = run("tenant limit cli-tenant --max-contacts 1").await.stdout;
    let limits = |text: &str| serde_json::from_str::<Value>(text).unwrap()["limits"].clone();
    assert_eq!(limits(&limited)["max_contacts"], 1);
    assert_eq!(run("tenant show cli-tenant").await.stdout, limited);
    let limited = run("tenant limit cli-tenant --max-contacts 0 --max-groups 2").await;
    let limited = limits(&limited.stdout);
    assert_eq!(
        (&limited["max_contacts"], &limited["max_mailing_groups"]),
        (&json!(0), &json!(2))
    );
    let table = run("tenant show cli-tenant --format table").await.stdout;
    assert!(
        table.starts_with("NAME        REVISION  COUNTS  LIMITS"),
        "{table}"
    );
    assert!(table.contains("max_mailing_groups=2  "), "{table}");
    fails(
        &run("tenant limit cli-tenant").await,
        2,
        &["--max-contacts", "--max-groups"],
    );
    fails(
        &run("tenant create cli-tenant").await,
        1,
        &["ALREADY_EXISTS", "tenant cli-tenant exists already"],
    );
    let empty = "0 mailing groups, 0 contacts, 0 memberships, 0 segments";
    let tried = run("tenant delete cli-tenant --dry-run --format table").await;
    let suffix = " (nothing was changed: --dry-run)";
    let deleted = format!("tenant cli-tenant deleted: {empty}");
    assert_eq!(tried.stdout, format!("{deleted}{suffix}\n"));
    let done = run("tenant delete cli-tenant").await;
    let done: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&done["name"], &done["counts"]),
        (&json!("cli-tenant"), &tenant["counts"])
    );
    fails(
        &run("tenant show cli-tenant").await,
        1,
        &["NOT_FOUND", "no tenant cli-tenant"],
    );
}
