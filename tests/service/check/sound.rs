//! Nothing is found in sound databases, whatever is done to them meanwhile.

use std::time::Duration;

use mailing_groups::{
    domain::{Domain, SetCache, maintenance},
    pb,
    store::Store,
};
use tokio::task::JoinSet;

use super::damage::{all_kinds, begin_deletion};
use crate::support::{Server, Sql, Tenant, company, findings, person, within};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn a_database_with_everything_is_sound() {
    let server = Server::start().await;
    let url = &server.database_url;
    all_kinds(&server, "full").await;
    all_kinds(&server, "pruned").await;
    all_kinds(&server, "leaving").await;
    assert_eq!(findings(url, None).await, [""; 0]);
    let sql = Sql::connect(url).await;
    let pruned = sql.tenant_id("pruned").await;
    prune(url, &sql, pruned).await;
    begin_deletion(&sql, "leaving").await;
    assert_eq!(findings(url, None).await, [""; 0]);
    // Of the history nothing is left.
    let all = format!("SELECT revision FROM clocks WHERE tenant_id = {pruned}");
    sql.run("UPDATE revisions SET commit_time = commit_time - interval '8 days'")
        .await;
    let domain = domain(url);
    maintenance::prune(&domain, 7 * DAY).await.unwrap();
    let start = format!("SELECT history_start FROM clocks WHERE tenant_id = {pruned}");
    assert_eq!(sql.number(&start, &[]).await, sql.number(&all, &[]).await);
    assert_eq!(findings(url, None).await, [""; 0]);
}

fn domain(url: &str) -> Domain {
    let store = Store::new(url, 2, DAY).unwrap();
    Domain::new(store, SetCache::new(1 << 20, 1))
}

/// Prunes all but the last twenty revisions of a tenant.
async fn prune(url: &str, sql: &Sql, tenant_id: i32) {
    let age = format!(
        "UPDATE revisions SET commit_time = commit_time - interval '8 days' \
         WHERE tenant_id = {tenant_id} \
             AND revision <= (SELECT revision - 20 FROM clocks WHERE tenant_id = {tenant_id})"
    );
    sql.run(&age).await;
    maintenance::prune(&domain(url), 7 * DAY).await.unwrap();
}

/// Creates, assigns, merges and deletes contacts, and undoes actions, until it is aborted.
async fn work(mut tenant: Tenant, writer: usize) {
    let segment = format!("W{writer}");
    let new = pb::CreateSegmentRequest {
        segment: Some(pb::Segment {
            id: segment.clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    tenant.segments.create_segment(new).await.unwrap();
    for round in 0.. {
        let ids = [0, 1].map(|n| format!("W{writer}-{round}-{n}"));
        for id in &ids {
            tenant.create(company(id)).await;
            tenant.assign(id, "MOVE").await;
        }
        tenant
            .create(person(&format!("{}-P", ids[1]), &ids[1]))
            .await;
        let add = pb::AddContactsRequest {
            segment_id: segment.clone(),
            expression: "MOVE".into(),
            ..Default::default()
        };
        tenant.segments.add_contacts(add).await.unwrap();
        tenant.merge(&ids[0], &ids[1]).await.unwrap();
        let back = pb::GoBackRequest {
            segment_id: segment.clone(),
            ..Default::default()
        };
        tenant.segments.go_back(back).await.unwrap();
        if round % 2 == 0 {
            tenant.delete_contact(&ids[0], "", true).await.unwrap();
        }
    }
}

#[tokio::test]
async fn writes_during_a_check_cause_no_finding() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "busy").await;
    tenant.group("MOVE").await;
    let mut writers = JoinSet::new();
    for writer in 0..3 {
        writers.spawn(work(tenant.clone(), writer));
    }
    let sql = Sql::connect(&server.database_url).await;
    let revision = async || sql.number("SELECT revision FROM clocks", &[]).await;
    // Revisions are made during the checks.
    let until = revision().await + 300;
    within(async {
        while revision().await < until {
            assert_eq!(findings(&server.database_url, None).await, [""; 0]);
        }
    })
    .await;
    assert!(writers.try_join_next().is_none(), "a writer failed");
}
