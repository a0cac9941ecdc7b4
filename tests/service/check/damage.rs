//! A tenant to damage, and ways to damage it.

use mailing_groups::pb;

use crate::support::{Server, Sql, Tenant, company, database, mask, new_group, person};

/// A tenant with rows in all tables, and with segments that have a history.
pub(super) async fn all_kinds(server: &Server, name: &str) {
    let mut tenant = Tenant::filled(server, name).await;
    tenant
        .create_group(new_group("TOLD", "x"), "")
        .await
        .unwrap();
    tenant
        .update_group(new_group("TOLD", "y"), mask(&["description"]))
        .await
        .unwrap();
    tenant.rename("TOLD", "ÉTÉ", "").await.unwrap();
    let named = pb::Contact {
        name: "Ada Łovelace".into(),
        email: "ada@example.com".into(),
        attributes: [
            ("territory".into(), "CH".into()),
            ("city".into(), "Genève".into()),
        ]
        .into(),
        ..person("ADA", "A")
    };
    tenant.create(named).await;
    for id in ["A", "ADA", "OF-A"] {
        tenant.assign(id, "NEW").await;
    }
    tenant.create(company("Z")).await;
    act(&mut tenant).await;
    // Numbers of merged and deleted contacts stay in sets.
    tenant.merge("Y", "Z").await.unwrap();
    tenant.delete_contact("OF-A", "", true).await.unwrap();
}

/// Does what can be done to a segment.
async fn act(tenant: &mut Tenant) {
    let segment_id = || "KEPT".to_owned();
    let by_id = pb::AddContactsRequest {
        segment_id: segment_id(),
        contact_ids: vec!["Z".into(), "ADA".into()],
        ..Default::default()
    };
    let refine = pb::RefineContactsRequest {
        segment_id: segment_id(),
        expression: "NEW".into(),
        ..Default::default()
    };
    let back = pb::GoBackRequest {
        segment_id: segment_id(),
        ..Default::default()
    };
    let reduce = pb::ReduceContactsRequest {
        segment_id: segment_id(),
        expression: "MOVE".into(),
        ..Default::default()
    };
    let save = pb::SaveCriteriaRequest {
        segment_id: segment_id(),
        code: "LATER".into(),
        ..Default::default()
    };
    let segments = &mut tenant.segments;
    segments.add_contacts(by_id).await.unwrap();
    segments.refine_contacts(refine).await.unwrap();
    segments.go_back(back).await.unwrap();
    segments.reduce_contacts(reduce).await.unwrap();
    segments.save_criteria(save).await.unwrap();
}

/// Leaves a tenant as an interrupted deletion does.
pub(super) async fn begin_deletion(sql: &Sql, name: &str) {
    let id = sql.tenant_id(name).await;
    sql.run(&format!(
        "BEGIN; UPDATE tenants SET deleting = true WHERE tenant_id = {id};
         DELETE FROM clocks WHERE tenant_id = {id};
         INSERT INTO deleted_tenants VALUES ({id}, '{name}', NULL, 1, 1, 1, 1, now());
         DELETE FROM memberships WHERE tenant_id = {id}; COMMIT"
    ))
    .await;
}

/// A database to copy. Nobody can connect to it.
pub(super) struct Original {
    server: String,
    name: String,
    tenant_id: i32,
}

impl Original {
    /// A database with a tenant `full`, and `leaving`, which is being deleted.
    pub(super) async fn create() -> Self {
        let url = database().await;
        let (server, name) = url.rsplit_once('/').unwrap();
        {
            let server = Server::on(&url, mailing_groups::server::Limits::default()).await;
            all_kinds(&server, "full").await;
            all_kinds(&server, "leaving").await;
            server.shutdown.cancel();
        }
        let sql = Sql::connect(&url).await;
        begin_deletion(&sql, "leaving").await;
        let original = Self {
            server: server.to_owned(),
            name: name.to_owned(),
            tenant_id: sql.tenant_id("full").await,
        };
        let close = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false");
        let disconnect = format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
             WHERE datname = '{name}'"
        );
        original.administer(&[&close, &disconnect]).await;
        original
    }

    async fn administer(&self, statements: &[&str]) {
        let sql = Sql::connect(&format!("{}/mailing_groups", self.server)).await;
        for statement in statements {
            sql.run(statement).await;
        }
    }

    /// The URL of a copy, damaged by statements that no constraint stops. `$T` is the tenant.
    pub(super) async fn damaged(&self, statements: &str) -> String {
        let copy = format!("{}_copy", self.name);
        let drop = format!("DROP DATABASE IF EXISTS {copy} WITH (FORCE)");
        let create = format!("CREATE DATABASE {copy} TEMPLATE {}", self.name);
        self.administer(&[&drop, &create]).await;
        let url = format!("{}/{copy}", self.server);
        let sql = Sql::connect(&url).await;
        let statements = statements.replace("$T", &self.tenant_id.to_string());
        sql.run(&format!(
            "SET session_replication_role = replica; {statements}"
        ))
        .await;
        url
    }
}
