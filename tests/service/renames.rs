//! Renaming groups.

use mailing_groups::pb;
use tonic::Code;

use crate::support::{
    Tenant, company, info, new_group, pairs, person, refused, tables, violations,
};

#[tokio::test]
async fn a_renamed_group_keeps_its_members_and_its_former_code_names_it() {
    let mut tenant = Tenant::new().await;
    tenant
        .create_group(new_group("MOVE", "Office move"), "")
        .await
        .unwrap();
    tenant.create(company("A")).await;
    tenant.create(person("C", "A")).await;
    tenant.assign("A", "MOVE").await;
    tenant.assign("C", "move").await;
    let member = tenant.get_contact("C").await.unwrap();
    let renamed = tenant.rename("move", " relocate", "").await.unwrap();
    let group = renamed.mailing_group.unwrap();
    assert_eq!((group.code.as_str(), group.contact_count), ("RELOCATE", 2));
    assert_eq!(group.description, "Office move");
    assert_eq!(tenant.codes("C").await, ["RELOCATE"]);
    assert_eq!(
        tenant.get_contact("C").await.unwrap(),
        member,
        "members do not change"
    );
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn every_call_with_the_former_code_gets_the_new_one() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    tenant.rename("MOVE", "RELOCATE", "").await.unwrap();
    let outcomes = [
        tenant.get_group("MOVE").await.err(),
        tenant
            .update_group(new_group("MOVE", "x"), None)
            .await
            .err(),
        tenant.rename("MOVE", "GIFT", "").await.err(),
        tenant.delete_group("MOVE", "", true).await.err(),
        tenant.try_assign("A", "MOVE").await.err(),
        tenant.unassign("A", "MOVE").await.err(),
        tenant.replace("A", &["MOVE"], "").await.err(),
    ];
    for (at, status) in outcomes.into_iter().enumerate() {
        let status = status.unwrap();
        assert_eq!(status.code(), Code::NotFound, "{at}");
        assert_eq!(info(&status).reason, "MAILING_GROUP_RENAMED", "{at}");
        assert_eq!(info(&status).metadata["current"], "RELOCATE", "{at}");
        assert_eq!(info(&status).metadata["name"], "MOVE", "{at}");
    }
}

#[tokio::test]
async fn all_former_codes_of_a_chain_name_the_current_one() {
    let mut tenant = Tenant::new().await;
    tenant.group("A1").await;
    tenant.rename("A1", "A2", "").await.unwrap();
    tenant.rename("A2", "A3", "").await.unwrap();
    for former in ["A1", "A2"] {
        let status = tenant.get_group(former).await.unwrap_err();
        assert_eq!(info(&status).metadata["current"], "A3");
    }
    tenant.rename("A3", "A1", "").await.unwrap();
    assert_eq!(tenant.get_group("A1").await.unwrap().code, "A1");
    let status = tenant.get_group("A3").await.unwrap_err();
    assert_eq!(info(&status).metadata["current"], "A1");
    tenant.delete_group("A1", "", false).await.unwrap();
    let unknown = (Code::NotFound, "MAILING_GROUP_NOT_FOUND".to_owned());
    for former in ["A1", "A2", "A3"] {
        assert_eq!(refused(tenant.get_group(former).await), unknown);
    }
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_former_code_can_be_used_again() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    tenant.assign("A", "MOVE").await;
    tenant.rename("MOVE", "RELOCATE", "").await.unwrap();
    let again = pb::CreateMailingGroupRequest {
        mailing_group: Some(new_group("MOVE", "")),
        reuse_former: true,
        ..Default::default()
    };
    tenant.groups.create_mailing_group(again).await.unwrap();
    assert_eq!(tenant.counts("MOVE").await.0, 0);
    assert_eq!(tenant.codes("A").await, ["RELOCATE"]);
    // The new MOVE is renamed; calls with MOVE get the latest group that had the code.
    tenant.rename("MOVE", "TRANSFER", "").await.unwrap();
    let status = tenant.get_group("MOVE").await.unwrap_err();
    assert_eq!(info(&status).metadata["current"], "TRANSFER");
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_rename_to_an_existing_code_is_rejected() {
    let mut tenant = Tenant::new().await;
    let before = tenant.group("MOVE").await;
    tenant.group("GIFT").await;
    let taken = (
        Code::AlreadyExists,
        "MAILING_GROUP_ALREADY_EXISTS".to_owned(),
    );
    assert_eq!(refused(tenant.rename("MOVE", "gift", "").await), taken);
    assert_eq!(tenant.get_group("MOVE").await.unwrap(), before);
    let same = tenant.rename("MOVE", "move", "").await.unwrap();
    assert_eq!((same.revision, same.mailing_group.unwrap()), (2, before));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn an_invalid_new_code_names_its_field() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    let status = tenant.rename("MOVE", "DÉMÉNAGEMENT", "").await.unwrap_err();
    assert_eq!(violations(&status), ["new_code"]);
    let status = tenant.rename("", "GIFT", "").await.unwrap_err();
    assert_eq!(violations(&status), ["code"]);
}

#[tokio::test]
async fn a_rename_writes_as_many_rows_for_many_members_as_for_none() {
    let mut tenant = Tenant::new().await;
    tenant.group("FEW").await;
    tenant.group("MANY").await;
    let ids: Vec<String> = (0..2_000).map(|n| format!("P{n}")).collect();
    tenant
        .import(ids.iter().map(|id| person(id, "")).collect())
        .await;
    let items: Vec<_> = ids.iter().map(|id| (id.as_str(), "MANY")).collect();
    tenant.batch_assign(pairs(&items), "").await.unwrap();
    for (code, new_code, members) in [("FEW", "FEW2", 0), ("MANY", "MANY2", 2_000)] {
        let renamed = tenant.rename(code, new_code, "").await.unwrap();
        // The clock, the group, its former code, the revision and the change.
        assert_eq!(rows_written(&tenant.name, renamed.revision).await, 5);
        assert_eq!(tenant.counts(new_code).await.0, members);
    }
    tenant.assert_consistent().await;
}

/// The rows of all tables that the transaction of this revision wrote.
async fn rows_written(tenant: &str, revision: i64) -> i64 {
    let client = tables::shared().await;
    let text = "SELECT r.xmin::text FROM revisions r JOIN tenants USING (tenant_id) \
        WHERE name = $1 AND revision = $2";
    let row = client.query_one(text, &[&tenant, &revision]).await.unwrap();
    let transaction: String = row.get(0);
    let text = "SELECT string_agg(format('SELECT count(*) AS n FROM %I WHERE xmin::text = $1', \
        relname), ' UNION ALL ') FROM pg_stat_user_tables";
    let counts: String = client.query_one(text, &[]).await.unwrap().get(0);
    let text = format!("SELECT sum(n)::bigint FROM ({counts}) AS counts");
    client
        .query_one(&text, &[&transaction])
        .await
        .unwrap()
        .get(0)
}
