//! Pruning of the change log.

use std::time::Duration;

use mailing_groups::{
    domain::{Domain, SetCache, maintenance},
    pb::watch_changes_response::Message,
    store::Store,
};
use tonic::{Code, Status};

use super::feed::{after, beginning, now};
use crate::support::{Server, Sql, Tenant, company, info, select};

const DAY: Duration = Duration::from_secs(86_400);

/// A dedicated server, with a tenant that has ten revisions of which some are old.
async fn aged(old: i64) -> (Server, Tenant, Sql, Domain) {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "aged").await;
    tenant.group("MOVE").await;
    for n in 0..9 {
        tenant.create(company(&format!("C{n}"))).await;
    }
    let sql = Sql::connect(&server.database_url).await;
    age(&sql, old).await;
    let store = Store::new(&server.database_url, 2, DAY).unwrap();
    (
        server,
        tenant,
        sql,
        Domain::new(store, SetCache::new(1 << 20, 1)),
    )
}

async fn age(sql: &Sql, upto: i64) {
    let shift = "UPDATE revisions SET commit_time = commit_time - interval '8 days' \
        WHERE revision <=";
    sql.run(&format!("{shift} {upto}")).await;
}

fn assert_pruned(status: &Status, oldest: i64) {
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
    let info = info(status);
    assert_eq!(info.reason, "HISTORY_PRUNED");
    assert_eq!(info.metadata["oldest_revision"], oldest.to_string());
}

#[tokio::test]
async fn history_is_pruned_even_if_other_rows_cannot_be() {
    let (_server, _, sql, domain) = aged(4).await;
    sql.run(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE EXCEPTION 'too slow' USING ERRCODE = '57014'; \
         END $$; \
         CREATE TRIGGER fail BEFORE DELETE ON requests EXECUTE FUNCTION fail(); \
         CREATE TRIGGER fail BEFORE DELETE ON imports EXECUTE FUNCTION fail()",
    )
    .await;
    maintenance::prune(&domain, 7 * DAY).await.unwrap_err();
    assert_eq!(sql.number("SELECT history_start FROM clocks", &[]).await, 4);
}

#[tokio::test]
async fn only_changes_older_than_the_retention_are_deleted() {
    let (_server, mut tenant, sql, domain) = aged(4).await;
    maintenance::prune(&domain, 9 * DAY).await.unwrap();
    assert_eq!(sql.number("SELECT history_start FROM clocks", &[]).await, 0);
    maintenance::prune(&domain, 7 * DAY).await.unwrap();
    for (query, wanted) in [
        ("SELECT history_start FROM clocks", 4),
        ("SELECT min(revision) FROM revisions", 5),
        ("SELECT min(revision) FROM changes", 5),
        ("SELECT count(*) FROM changes", 6),
    ] {
        assert_eq!(sql.number(query, &[]).await, wanted, "{query}");
    }
    assert_pruned(&tenant.watch(after(3)).await.err().unwrap(), 4);
    let mut feed = tenant.watch(after(4)).await.unwrap();
    assert_eq!(feed.changes().await.revision, 5);
    assert_eq!(tenant.members("NOT MOVE").await.len(), 9);
}

#[tokio::test]
async fn without_retention_the_whole_log_is_deleted_and_watches_continue() {
    let (_server, mut tenant, sql, domain) = aged(0).await;
    assert_eq!(tenant.members("MOVE").await.len(), 0);
    maintenance::prune(&domain, Duration::ZERO).await.unwrap();
    assert_eq!(sql.number("SELECT count(*) FROM changes", &[]).await, 0);
    assert_pruned(&tenant.watch(after(9)).await.err().unwrap(), 10);
    let mut feed = tenant.watch(after(10)).await.unwrap();
    let mut whole = tenant.watch(beginning()).await.unwrap();
    tenant.assign("C3", "MOVE").await;
    assert_eq!(feed.changes().await.revision, 11);
    maintenance::prune(&domain, Duration::ZERO).await.unwrap();
    assert_eq!(tenant.members("MOVE").await, ["C3"]);
    let end = loop {
        match whole.message().await.unwrap() {
            Message::SnapshotEnd(end) => break end.revision,
            Message::Snapshot(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(end, 10);
    assert_eq!(
        tenant
            .stream(select("MOVE"))
            .await
            .unwrap()
            .summary
            .revision,
        11
    );
}

#[tokio::test]
async fn a_watch_behind_the_retention_gets_out_of_range() {
    let (_server, mut tenant, sql, domain) = aged(0).await;
    let mut feed = tenant.watch(now()).await.unwrap();
    feed.until_progress().await;
    // The server gets no notification, and meanwhile the log is pruned.
    sql.run(
        "UPDATE clocks SET revision = 12; \
         INSERT INTO revisions SELECT tenant_id, n, now() - interval '8 days', 'x' \
             FROM tenants, generate_series(11, 12) n; \
         UPDATE clocks SET history_start = 11; DELETE FROM revisions WHERE revision <= 11",
    )
    .await;
    let status = loop {
        match feed.message().await {
            Ok(Message::Progress(progress)) => assert_eq!(progress.revision, 10),
            Ok(other) => panic!("{other:?}"),
            Err(status) => break status,
        }
    };
    assert_pruned(&status, 11);
    maintenance::prune(&domain, DAY).await.unwrap();
    assert_eq!(
        sql.number("SELECT history_start FROM clocks", &[]).await,
        12
    );
}
