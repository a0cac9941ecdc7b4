//! Plans that were made with the statistics of a small table, after it has grown.

use mailing_groups::server::Limits;
use serde_json::Value;

use super::relay::{EXPLAIN, Relay};
use crate::support::{Pool, Server, Sql, Tenant, company, database, eventually, migrate};

/// The most blocks that look-ups of one contact read.
const FEW_BLOCKS: u64 = 20;

/// With statistics of a small table every index costs the same, so the plan may take one that reads all
/// entries of the tenant.
#[tokio::test(flavor = "multi_thread")]
async fn look_ups_are_planned_again_when_a_table_has_grown() {
    let url = database().await;
    migrate(&url).await;
    let sql = Sql::connect(&url).await;
    let name = url.rsplit('/').next().unwrap();
    sql.run(&EXPLAIN.replace('@', name)).await;
    sql.run("ALTER TABLE contacts SET (autovacuum_enabled = false)")
        .await;
    let relay = Relay::before(&url).await;
    // Of one connection, so that it has planned them.
    let pool = Pool {
        connections: 1,
        ..Pool::default()
    };
    let server = Server::via(&relay.url, &url, pool, Limits::default()).await;
    let mut small = Tenant::of(&server, "small").await;
    fill(&mut small, "A", 60).await;
    sql.run("ANALYZE contacts").await;
    for n in 0..20 {
        small.get_contact(&format!("A{n}")).await.unwrap();
    }
    let mut large = Tenant::of(&server, "large").await;
    fill(&mut large, "B", 20_000).await;
    eventually(async || {
        relay.take_plans().await;
        large.get_contact("B10000").await.unwrap();
        let plans = relay.take_plans().await;
        let blocks: u64 = plans.iter().map(|plan| blocks(&plan["Plan"])).sum();
        assert_ne!(blocks, 0, "{plans:?}");
        (blocks <= FEW_BLOCKS).then_some(())
    })
    .await;
    server.shutdown.cancel();
}

async fn fill(tenant: &mut Tenant, prefix: &str, count: usize) {
    let contacts = (0..count).map(|n| company(&format!("{prefix}{n}")));
    tenant.import_contacts(&contacts.collect::<Vec<_>>()).await;
}

/// The blocks that a plan has read, with all nodes below.
fn blocks(plan: &Value) -> u64 {
    let number = |key: &str| plan[key].as_u64().unwrap_or_default();
    number("Shared Hit Blocks") + number("Shared Read Blocks")
}
