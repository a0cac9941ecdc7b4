//! A segment of many contacts.

use mailing_groups::pb;

use super::ask::{add, reduce};
use crate::support::{Server, Sql, Tenant, company};

/// Contacts of the tenant.
const CONTACTS: i64 = 100_000;

#[tokio::test]
async fn a_large_segment_is_stored_compactly() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "large").await;
    tenant.create(company("FIRST")).await;
    tenant.group("MOVE").await;
    let sql = Sql::connect(&server.database_url).await;
    let tenant_id = sql.tenant_id("large").await;
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
    let added = tenant.add(add("S", "*")).await;
    assert_eq!(added.added_count + added.excluded_count, CONTACTS);
    let reduced = tenant.reduce(reduce("S", "kind = COMPANY")).await;
    assert_eq!(reduced.removed_count, 1);
    tenant.go_back("S").await;
    let apply = pb::ApplyMailingGroupRequest {
        segment_id: "S".into(),
        code: "MOVE".into(),
        ..Default::default()
    };
    let applied = tenant.segments.apply_mailing_group(apply).await.unwrap();
    assert_eq!(applied.into_inner().added_count, added.added_count);
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
