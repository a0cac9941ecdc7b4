//! Deleting tenants.

use std::time::Duration;

use mailing_groups::{
    domain::{Domain, SetCache, maintenance},
    pb,
    server::Limits,
    store::Store,
};
use tonic::{Code, Status};

use super::{admin, create, get};
use crate::support::{
    PATIENCE, Server, Sql, Tenant, assert_consistent, company, eventually, refused,
};

async fn delete(
    server: &Server,
    name: &str,
    validate_only: bool,
    request_id: &str,
) -> Result<pb::TenantCounts, Status> {
    let request = pb::DeleteTenantRequest {
        name: name.into(),
        validate_only,
        request_id: request_id.into(),
    };
    let deleted = admin(server).await.delete_tenant(request).await?;
    Ok(deleted.into_inner().counts.unwrap())
}

/// The tables that have rows of a tenant, but for the record of its deletion.
async fn filled_tables(sql: &Sql, tenant_id: i32) -> Vec<String> {
    let text = "SELECT table_name::text FROM information_schema.columns \
        JOIN information_schema.tables USING (table_schema, table_name) \
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE' \
            AND column_name = 'tenant_id' AND table_name <> 'deleted_tenants' ORDER BY 1";
    let mut filled = Vec::new();
    for row in sql.rows(text, &[]).await {
        let table: String = row.get(0);
        let count = format!("SELECT count(*) FROM {table} WHERE tenant_id = $1");
        if sql.number(&count, &[&tenant_id]).await > 0 {
            filled.push(table);
        }
    }
    filled
}

#[tokio::test]
async fn everything_of_the_tenant_is_deleted_and_nothing_else() {
    let server = Server::start().await;
    let sql = Sql::connect(&server.database_url).await;
    Tenant::filled(&server, "gone").await;
    Tenant::filled(&server, "kept").await;
    let (gone, kept) = (sql.tenant_id("gone").await, sql.tenant_id("kept").await);
    let all = filled_tables(&sql, gone).await;
    assert_eq!(
        all.len(),
        16,
        "the tenant has no rows in some table: {all:?}"
    );
    let counts = get(&server, "gone").await.unwrap().counts.unwrap();
    assert_eq!(delete(&server, "gone", true, "").await.unwrap(), counts);
    assert_eq!(delete(&server, "gone", false, "").await.unwrap(), counts);
    assert_eq!(filled_tables(&sql, gone).await, Vec::<String>::new());
    assert_eq!(filled_tables(&sql, kept).await, all);
    assert_consistent(&server.database_url, "kept").await;
    let missing = (Code::NotFound, "TENANT_NOT_FOUND".to_owned());
    assert_eq!(refused(get(&server, "gone").await), missing);
    assert_eq!(refused(delete(&server, "gone", false, "").await), missing);
    assert_eq!(refused(delete(&server, "gone", true, "").await), missing);
}

#[tokio::test]
async fn an_interrupted_deletion_goes_on_in_small_transactions() {
    let server = Server::start().await;
    let url = &server.database_url;
    let (sql, lock) = (Sql::connect(url).await, Sql::connect(url).await);
    let mut tenant = Tenant::of(&server, "acme").await;
    tenant.group("MOVE").await;
    let id = sql.tenant_id("acme").await;
    // More than two transactions' worth; the requests are deleted before them.
    sql.run(&format!(
        "INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, revision, \
             create_time, update_time) \
         SELECT {id}, n, CASE WHEN n < 25000 THEN 'C' || n ELSE 'Z' END, 1, 'x', 'x', 1, now(), now() \
         FROM generate_series(1, 25000) n"
    ))
    .await;
    // Of the last transaction, in the order of any index.
    lock.run(&format!(
        "BEGIN; SELECT FROM contacts WHERE tenant_id = {id} AND contact_number = 25000 FOR UPDATE"
    ))
    .await;
    let mut client = admin(&server).await;
    let call = tokio::spawn(async move {
        let request = pb::DeleteTenantRequest {
            name: "acme".into(),
            ..Default::default()
        };
        client.delete_tenant(request).await
    });
    let left = async || sql.number("SELECT count(*) FROM contacts", &[]).await;
    eventually(async || (left().await == 5_000).then_some(())).await;
    call.abort();
    let missing = (Code::NotFound, "TENANT_NOT_FOUND".to_owned());
    assert_eq!(refused(get(&server, "acme").await), missing);
    assert_eq!(refused(create(&server, "acme", "").await), missing);
    assert_eq!(refused(tenant.get_contact("C1").await), missing);
    assert_eq!(refused(tenant.try_create(company("A")).await), missing);
    assert_eq!(refused(tenant.try_assign("C1", "MOVE").await), missing);
    let mut client = admin(&server).await;
    let listed = client.list_tenants(pb::ListTenantsRequest::default());
    assert_eq!(listed.await.unwrap().into_inner().tenants, []);
    let counts = delete(&server, "acme", true, "").await.unwrap();
    assert_eq!((counts.mailing_group_count, left().await), (1, 5_000));
    lock.run("ROLLBACK").await;
    assert_eq!(delete(&server, "acme", false, "").await.unwrap(), counts);
    assert_eq!(filled_tables(&sql, id).await, Vec::<String>::new());
}

/// Else what others do on its connection would be acknowledged and not committed.
#[tokio::test]
async fn an_abandoned_deletion_leaves_no_transaction_open() {
    let server = Server::start().await;
    let sql = Sql::connect(&server.database_url).await;
    let mut kept = Tenant::of(&server, "kept").await;
    kept.group("MOVE").await;
    kept.create(company("A")).await;
    let memberships = async || sql.number("SELECT count(*) FROM memberships", &[]).await;
    for after in 0..10 {
        let name = format!("gone-{after}");
        create(&server, &name, "").await.unwrap();
        let mut client = admin(&server).await;
        let deletion = tokio::spawn(async move {
            let name = name.clone();
            let request = pb::DeleteTenantRequest {
                name,
                ..Default::default()
            };
            client.delete_tenant(request).await
        });
        tokio::time::sleep(Duration::from_millis(after)).await;
        deletion.abort();
        for _ in 0..5 {
            kept.assign("A", "MOVE").await;
            assert_eq!(memberships().await, 1);
            kept.unassign("A", "MOVE").await.unwrap();
            assert_eq!(memberships().await, 0);
        }
    }
}

#[tokio::test]
async fn a_server_that_knows_the_deleted_tenant_writes_to_a_new_one_or_not_at_all() {
    let one = Server::start().await;
    let two = Server::on(&one.database_url, Limits::default()).await;
    let sql = Sql::connect(&one.database_url).await;
    let mut tenant = Tenant::of(&two, "acme").await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    let before = sql.tenant_id("acme").await;
    delete(&one, "acme", false, "").await.unwrap();
    // Refused, so it does not create the tenant.
    let assigned = tenant.try_assign("A", "MOVE").await;
    assert_eq!(refused(assigned).1, "CONTACT_NOT_FOUND");
    assert_eq!(sql.number("SELECT count(*) FROM tenants", &[]).await, 0);
    delete(&one, "acme", false, "").await.unwrap_err();
    tenant.group("GIFT").await;
    assert_ne!(sql.tenant_id("acme").await, before);
    assert_eq!(get(&two, "acme").await.unwrap().revision, 1);
    assert_consistent(&one.database_url, "acme").await;
}

#[tokio::test]
async fn a_repeated_deletion_spares_a_new_tenant_of_the_name() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "acme").await;
    tenant.create(company("A")).await;
    let first = delete(&server, "acme", false, "one").await.unwrap();
    assert_eq!(first.contact_count, 1);
    create(&server, "acme", "").await.unwrap();
    assert_eq!(delete(&server, "acme", false, "one").await.unwrap(), first);
    assert!(get(&server, "acme").await.is_ok());
    let second = delete(&server, "acme", false, "two").await.unwrap();
    assert_eq!(second.contact_count, 0);
    assert!(get(&server, "acme").await.is_err());
}

#[tokio::test]
async fn concurrent_deletions_of_a_tenant_all_succeed_or_find_nothing() {
    let server = Server::start().await;
    Tenant::filled(&server, "acme").await;
    let deletions = (0..4).map(|_| delete(&server, "acme", false, ""));
    let outcomes = futures_util::future::join_all(deletions).await;
    assert!(outcomes.iter().any(Result::is_ok));
    for outcome in outcomes {
        let missing = outcome.err().map(|status| status.code());
        assert!(
            matches!(missing, None | Some(Code::NotFound)),
            "{missing:?}"
        );
    }
    assert!(get(&server, "acme").await.is_err());
}

#[tokio::test]
async fn records_of_deletions_are_kept_for_7_days() {
    let server = Server::start().await;
    let url = &server.database_url;
    let sql = Sql::connect(url).await;
    for name in ["old", "new"] {
        create(&server, name, "").await.unwrap();
        delete(&server, name, false, "").await.unwrap();
    }
    // One that is old and not complete.
    sql.run(
        "INSERT INTO tenants (tenant_id, name, deleting) VALUES (1, 'open', true);
         INSERT INTO deleted_tenants VALUES (1, 'open', NULL, 0, 0, 0, 0, now());
         UPDATE deleted_tenants SET delete_time = now() - interval '8 days' WHERE name <> 'new'",
    )
    .await;
    let store = Store::new(url, 2, PATIENCE).unwrap();
    let domain = Domain::new(store, SetCache::new(1 << 20, 1));
    maintenance::prune(&domain, PATIENCE).await.unwrap();
    let text = "SELECT name FROM deleted_tenants ORDER BY name";
    let kept = sql.rows(text, &[]).await;
    let kept: Vec<String> = kept.iter().map(|row| row.get(0)).collect();
    assert_eq!(kept, ["new", "open"]);
}
