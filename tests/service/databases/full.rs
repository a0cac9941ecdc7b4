//! A disk without space.

use std::fs;

use mailing_groups::{pb, postgres::Durability};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::support::{
    Pool, Server, SmallDisk, Sql, Tenant, company, info, migrate, person, postgres::start_cluster,
    scratch,
};

/// Space for a database and little more.
const SIZE: &str = "40m";

/// The longest name.
const MAX_NAME: usize = 100;

/// Concurrent calls.
const CALLS: usize = 400;

/// Assigns a group to many contacts at the same time.
async fn assign_all(tenant: &Tenant) -> Vec<Result<pb::AssignMailingGroupResponse, Status>> {
    let mut calls = JoinSet::new();
    for n in 0..CALLS {
        let mut tenant = tenant.clone();
        calls.spawn(async move { tenant.try_assign(&format!("P{n}"), "MOVE").await });
    }
    calls.join_all().await
}

/// The service's backends.
async fn backends(sql: &Sql) -> Vec<i32> {
    let query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
        AND application_name = 'mailing-groups' ORDER BY backend_start";
    let rows = sql.rows(query, &[]).await;
    rows.iter().map(|row| row.get(0)).collect()
}

/// A cluster of its own: PostgreSQL may end when a disk fails.
#[tokio::test]
async fn a_full_disk_refuses_writes_only_and_only_as_long_as_it_is_full() {
    let folder = scratch();
    let cluster = start_cluster(folder.path(), Durability::None).await;
    if let Some(disk) = SmallDisk::mount(cluster.url(), SIZE) {
        let url = disk.database(cluster.url()).await;
        migrate(&url).await;
        serve_on(&url, &disk).await;
    }
    cluster.stop().await.unwrap();
}

async fn serve_on(url: &str, disk: &SmallDisk) {
    let server = Server::via(url, url, Pool::default(), Default::default()).await;
    let sql = Sql::connect(url).await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    let persons: Vec<_> = (0..CALLS).map(|n| person(&format!("P{n}"), "A")).collect();
    tenant.import_contacts(&persons).await;

    let filler = disk.fill();
    // Rows fill the pages that exist, until one more is needed.
    let mut refused = None;
    for n in 0.. {
        let mut company = company(&format!("C{n}"));
        company.name = "x".repeat(MAX_NAME);
        if let Err(status) = tenant.try_create(company).await {
            refused = Some(status);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert_eq!(info(&refused).reason, "DATABASE_FULL");
    let before = backends(&sql).await;
    let answers = assign_all(&tenant).await;
    let refused = answers.into_iter().filter_map(Result::err);
    for status in refused {
        assert_eq!(info(&status).reason, "DATABASE_FULL", "{status:?}");
    }
    tenant.get_group("MOVE").await.unwrap();
    let after = backends(&sql).await;
    assert_eq!(after[..before.len()], before, "connections were closed");

    fs::remove_file(filler).unwrap();
    for answer in assign_all(&tenant).await {
        answer.unwrap();
    }
    assert_eq!(tenant.members("MOVE").await.len(), CALLS);
}
