//! `tenant`.

use std::sync::Arc;

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
    let empty = "0 mailing groups, 0 contacts, 0 memberships, 0 segments";
    let created = run("tenant create cli-tenant").await;
    let line = format!("cli-tenant: {empty} at revision 0\n");
    assert_eq!(created.stdout, line);
    assert_eq!(run("tenant list cli-tenant").await.stdout, line);
    let limited = format!("cli-tenant: {empty} at revision 0, at most 1 contact\n");
    let limit = run("tenant limit cli-tenant --max-contacts 1").await;
    assert_eq!(limit.stdout, limited);
    assert_eq!(run("tenant show cli-tenant").await.stdout, limited);
    let limit = run("tenant limit cli-tenant --max-contacts 0 --max-groups 2").await;
    let limits = format!("cli-tenant: {empty} at revision 0, at most 2 mailing groups\n");
    assert_eq!(limit.stdout, limits);
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
    let tried = run("tenant delete cli-tenant --dry-run").await;
    let suffix = " (nothing was changed: --dry-run)";
    let deleted = format!("tenant cli-tenant deleted: {empty}");
    assert_eq!(tried.stdout, format!("{deleted}{suffix}\n"));
    let done = run("tenant delete cli-tenant").await;
    assert_eq!(done.stdout, format!("{deleted}\n"));
    fails(
        &run("tenant show cli-tenant").await,
        1,
        &["NOT_FOUND", "no tenant cli-tenant"],
    );
}
