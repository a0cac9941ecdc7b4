//! A segment of many contacts.

use mailing_groups::pb;

use super::ask::{add, reduce};
use crate::support::{Server, Sql, Tenant, company, eventually, pairs};

/// Contacts of the tenant.
const CONTACTS: i64 = 100_000;

/// A tenant with the group MOVE and a segment S of nobody.
async fn large() -> (Server, Tenant, Sql) {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "large").await;
    tenant.create(company("FIRST")).await;
    tenant.group("MOVE").await;
    let sql = Sql::connect(&server.database_url).await;
    let tenant_id = sql.tenant_id("large").await;
    // Statistics of a nearly empty table, as a new tenant has right after an ANALYZE.
    sql.run("ANALYZE").await;
    sql.run(&format!(
        "INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, \
             exclude_from_segments, revision, create_time, update_time) \
         SELECT {tenant_id}, n, 'P' || n, 2, 'P', 'p', n % 3 = 0, 1, now(), now() \
         FROM generate_series(2, {CONTACTS}) n; \
         UPDATE clocks SET next_contact_number = {CONTACTS} + 1, history_start = revision + 1, \
             revision = revision + 1 WHERE tenant_id = {tenant_id}"
    ))
    .await;
    tenant.segment("S").await;
    (server, tenant, sql)
}

fn apply(request_id: &str) -> pb::ApplyMailingGroupRequest {
    pb::ApplyMailingGroupRequest {
        segment_id: "S".into(),
        code: "MOVE".into(),
        request_id: request_id.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_large_segment_is_stored_compactly() {
    let (_server, mut tenant, sql) = large().await;
    let added = tenant.add(add("S", "*")).await;
    assert_eq!(added.added_count + added.excluded_count, CONTACTS);
    let reduced = tenant.reduce(reduce("S", "kind = COMPANY")).await;
    assert_eq!(reduced.removed_count, 1);
    tenant.go_back("S").await;
    let applied = tenant.apply(apply("")).await.unwrap();
    assert_eq!(applied.added_count, added.added_count);
    let group = tenant.get_group("MOVE").await.unwrap();
    assert_eq!(
        (group.contact_count, group.company_count),
        (added.added_count, 1)
    );
    let bytes = "SELECT (SELECT sum(octet_length(members)) FROM segments) \
         + (SELECT sum(octet_length(changed)) FROM segment_actions)";
    assert!(sql.number(bytes, &[]).await < CONTACTS / 2);
    let off = "SELECT count(*) FROM contacts WHERE mailing_group_count <> \
         (SELECT count(*) FROM memberships m WHERE m.tenant_id = contacts.tenant_id \
             AND m.contact_number = contacts.contact_number)";
    assert_eq!(sql.number(off, &[]).await, 0);
}

#[tokio::test]
async fn a_group_is_applied_and_deleted_in_steps_that_continue() {
    let (server, mut tenant, sql) = large().await;
    let wanted = tenant.add(add("S", "*")).await.added_count;
    let steps = tenant.segments.apply_mailing_group(apply("once")).await;
    let mut steps = steps.unwrap().into_inner();
    let first = steps.message().await.unwrap().unwrap();
    assert_eq!(
        (first.added_count, first.remaining_count),
        (10_000, wanted - 10_000)
    );
    drop(steps);
    // Another write between two steps.
    tenant.unassign("FIRST", "MOVE").await.unwrap();
    let done = tenant.apply(apply("once")).await.unwrap();
    assert_eq!((done.added_count, done.remaining_count), (wanted + 1, 0));
    assert_eq!(tenant.apply(apply("once")).await.unwrap(), done);
    assert_eq!(
        tenant.get_group("MOVE").await.unwrap().contact_count,
        wanted
    );
    let largest = "SELECT max(cardinality(contact_numbers))::bigint FROM changes";
    assert_eq!(sql.number(largest, &[]).await, 10_000);
    let before = tenant.get_group("MOVE").await.unwrap();
    let dry = pb::DeleteMailingGroupRequest {
        code: "MOVE".into(),
        force: true,
        validate_only: true,
        ..Default::default()
    };
    let planned = tenant.groups.delete_mailing_group(dry).await.unwrap();
    assert_eq!(planned.into_inner().unassigned_count, before.contact_count);
    assert_eq!(tenant.get_group("MOVE").await.unwrap(), before);
    let holder = Sql::connect(&server.database_url).await;
    holder
        .run(
            "BEGIN; SELECT 1 FROM contacts \
             WHERE contact_number = (SELECT max(contact_number) FROM memberships) FOR UPDATE",
        )
        .await;
    let mut caller = tenant.clone();
    let deletion = tokio::spawn(async move { caller.delete_group("MOVE", "", true).await });
    // Each step is visible, while the last one waits.
    eventually(async || {
        let left = tenant.get_group("MOVE").await.unwrap().contact_count;
        (0 < left && left <= 10_000).then_some(())
    })
    .await;
    holder.run("ROLLBACK").await;
    let deleted = deletion.await.unwrap().unwrap();
    assert_eq!(deleted.unassigned_count, before.contact_count);
    assert!(deleted.revision > done.revision + wanted / 10_000);
    assert_eq!(sql.number("SELECT count(*) FROM memberships", &[]).await, 0);
    assert_eq!(sql.number(largest, &[]).await, 10_000);
}

/// The tenant is newer than the statistics, and each step must not read all of it.
#[tokio::test]
async fn steps_and_assignments_read_only_the_rows_that_they_change() {
    let (server, mut tenant, sql) = large().await;
    let changed = tenant.add(add("S", "*")).await.added_count;
    tenant.apply(apply("")).await.unwrap();
    tenant.group("GIFT").await;
    let ids: Vec<String> = (0..1_000).map(|n| format!("P{}", 50_000 + n)).collect();
    let items: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "GIFT")).collect();
    tenant.batch_assign(pairs(&items), "").await.unwrap();
    tenant.batch_unassign(pairs(&items), "").await.unwrap();
    for id in &ids[..10] {
        tenant.assign(id, "GIFT").await;
        tenant.unassign(id, "GIFT").await.unwrap();
    }
    tenant.delete_group("MOVE", "", true).await.unwrap();
    // Backends report what they have read when they end.
    server.shutdown.cancel();
    eventually(async || (sql.backends("true").await == 0).then_some(())).await;
    let read = "SELECT sum(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables \
        WHERE relname IN ('contacts', 'memberships')";
    let read = sql.number(read, &[]).await;
    assert!(read < 10 * changed, "{read} rows for {changed} members");
}
