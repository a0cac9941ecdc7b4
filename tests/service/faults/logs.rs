//! Errors, the program's log at its most verbose level, and PostgreSQL's log contain no personal
//! data and no SQL.

use std::path::Path;

use mailing_groups::pb;
use tonic::{Code, Status, transport::Endpoint};

use crate::support::{Program, Sql, Tenant, company, eventually, info, person, scratch};

/// Personal data that must appear only in responses about the contact itself.
const PLANTED: [&str; 3] = ["Zebulon", "Quuxley", "planted-7531@secret.example"];

/// Words of SQL and of the tables.
const SQL: [&str; 8] = [
    "SELECT",
    "INSERT",
    "UPDATE contacts",
    "FROM contacts",
    "tenant_id",
    "_check",
    "relation \"",
    "= $1",
];

fn planted(id: &str) -> pb::Contact {
    pb::Contact {
        name: format!("{} {}", PLANTED[0], PLANTED[1]),
        email: PLANTED[2].into(),
        ..person(id, "")
    }
}

fn too_long(id: &str) -> pb::Contact {
    pb::Contact {
        name: PLANTED[0].repeat(20),
        email: PLANTED[2].repeat(20),
        ..planted(id)
    }
}

#[tokio::test]
async fn errors_and_logs_contain_no_personal_data_and_no_sql() {
    let folder = scratch();
    let data = folder.path().join("data");
    let arguments = ["--data-dir", data.to_str().unwrap(), "--log", "trace"];
    let mut program = Program::spawn(folder.path(), &arguments);
    let address = program.address().await;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut tenant = Tenant::over(endpoint.connect().await.unwrap(), "t");
    let sql = Sql::connect(&url(&data)).await;

    let mut errors = refusals(&mut tenant).await;
    errors.extend(failures(&mut tenant, &sql).await);
    for status in &errors {
        let text = format!(
            "{} {}",
            status.message(),
            String::from_utf8_lossy(status.details())
        );
        is_clean("an error", &text);
        info(status);
    }
    sql.run("SELECT 1").await;
    is_clean("the log", &program.log());
    is_clean("PostgreSQL's log", &postgres_log(&data));
}

/// Errors of callers.
async fn refusals(tenant: &mut Tenant) -> Vec<Status> {
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    tenant.create(planted("P")).await;
    tenant.create(planted("Q")).await;
    tenant.import_contacts(&[planted("R")]).await;
    let update = |contact| pb::UpdateContactRequest {
        contact: Some(contact),
        ..Default::default()
    };
    vec![
        tenant.try_create(planted("P")).await.unwrap_err(),
        tenant.try_create(too_long("S")).await.unwrap_err(),
        tenant
            .try_create(pb::Contact {
                company_id: "NIX".into(),
                ..planted("S")
            })
            .await
            .unwrap_err(),
        tenant
            .contacts
            .update_contact(update(planted("S")))
            .await
            .unwrap_err(),
        tenant
            .contacts
            .update_contact(update(too_long("P")))
            .await
            .unwrap_err(),
        tenant.try_assign("P", "NIX").await.unwrap_err(),
    ]
}

/// Errors of the database: a rejected row, a cancelled statement, a closed connection.
async fn failures(tenant: &mut Tenant, sql: &Sql) -> Vec<Status> {
    let mut errors = Vec::new();
    sql.run("ALTER TABLE contacts ADD CONSTRAINT no_p CHECK (id <> 'PP')")
        .await;
    let status = tenant.try_create(planted("PP")).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal, "{status:?}");
    assert!(!info(&status).metadata["request_id"].is_empty());
    errors.push(status);
    for end in ["pg_cancel_backend", "pg_terminate_backend"] {
        sql.run("BEGIN; LOCK TABLE contacts").await;
        let mut caller = tenant.clone();
        let call = tokio::spawn(async move { caller.try_create(planted("S")).await });
        let waiting = "application_name = 'mailing-groups' AND wait_event_type = 'Lock'";
        let end = format!("SELECT count({end}(pid)) FROM pg_stat_activity WHERE {waiting}");
        eventually(async || (sql.number(&end, &[]).await == 1).then_some(())).await;
        let status = call.await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        errors.push(status);
        sql.run("ROLLBACK").await;
        tenant.get_contact("P").await.unwrap();
    }
    sql.run("ALTER TABLE contacts RENAME TO hidden").await;
    let status = tenant.get_contact("P").await.unwrap_err();
    assert_eq!(status.code(), Code::Internal, "{status:?}");
    errors.push(status);
    errors
}

fn is_clean(what: &str, text: &str) {
    for forbidden in PLANTED.iter().chain(&SQL) {
        let line = text.lines().find(|line| line.contains(forbidden));
        assert_eq!(line, None, "{forbidden} in {what}");
    }
}

/// The URL of the program's private PostgreSQL.
fn url(data: &Path) -> String {
    let pid = std::fs::read_to_string(data.join("postgres/postmaster.pid")).unwrap();
    let lines: Vec<_> = pid.lines().collect();
    let (port, folder) = (lines[3], lines[4].replace('/', "%2F"));
    format!("postgres://mailing_groups@{folder}:{port}/mailing_groups")
}

fn postgres_log(data: &Path) -> String {
    let logs = std::fs::read_dir(data.join("postgres/log")).unwrap();
    logs.map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap())
        .collect()
}
