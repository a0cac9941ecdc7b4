//! Tables distributed over Citus.

use std::process::Output;

use super::start;
use crate::support::{assert_consistent, citus_database, company, database, program::command};

fn distribute(url: &str) -> Output {
    command(["migrate", "--distribute", "--database-url", url])
        .output()
        .unwrap()
}

#[tokio::test]
async fn a_plain_postgresql_cannot_be_distributed() {
    let url = database().await;
    let ended = distribute(&url);
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(error.contains("no extension citus"), "{error}");
}

#[tokio::test]
#[ignore = "needs Citus: make test-citus"]
async fn a_filled_database_is_distributed_once() {
    let url = citus_database("filled").await;
    let mut before = start(&url, &[]).await;
    before.tenant.group("MOVE").await;
    before.tenant.create(company("A")).await;
    before.tenant.create(company("B")).await;
    before.tenant.assign("A", "MOVE").await;
    drop(before);
    let distributed = |url: &str| String::from_utf8(distribute(url).stdout).unwrap();
    let said = distributed(&url);
    assert!(
        said.contains("Distributed by tenant: deleted_tenants, tenants, clocks, "),
        "{said}"
    );
    let said = distributed(&url);
    assert!(
        said.contains("All tables were distributed before."),
        "{said}"
    );
    let mut after = start(&url, &[]).await;
    after.tenant.assign("B", "MOVE").await;
    assert_eq!(after.tenant.members("MOVE").await, ["A", "B"]);
    assert_consistent(&url, "t").await;
}
