//! Errors of the database are recognised by their SQLSTATE, whatever language they are in.

use mailing_groups::pb;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::{Server, Sql, Tenant};

/// Creates a group.
async fn create(tenant: &mut Tenant, code: &str) -> Result<(), Status> {
    let request = pb::CreateMailingGroupRequest {
        mailing_group: Some(pb::MailingGroup {
            code: code.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    tenant.groups.create_mailing_group(request).await.map(drop)
}

/// Makes every new group fail with this SQLSTATE and a German text.
async fn fail_with(sql: &Sql, sqlstate: &str) {
    sql.run(&format!(
        "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE EXCEPTION 'der Vorgang ist gescheitert' USING ERRCODE = '{sqlstate}'; \
         END $$; \
         CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON mailing_groups \
             FOR EACH ROW EXECUTE FUNCTION fail()"
    ))
    .await;
}

#[tokio::test]
async fn errors_are_transient_or_internal_by_their_sqlstate() {
    let server = Server::start().await;
    let sql = Sql::connect(&server.database_url).await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("BEFORE").await;
    let cases = [
        ("57014", Code::Unavailable),       // query_canceled
        ("57P01", Code::Unavailable),       // admin_shutdown
        ("55P03", Code::Unavailable),       // lock_not_available
        ("40P01", Code::Unavailable),       // deadlock_detected
        ("53300", Code::Unavailable),       // too_many_connections
        ("25006", Code::Unavailable),       // read_only_sql_transaction
        ("08006", Code::Unavailable),       // connection_failure
        ("53100", Code::ResourceExhausted), // disk_full
        ("XX000", Code::Internal),          // internal_error
        ("22012", Code::Internal),          // division_by_zero
    ];
    for (sqlstate, expected) in cases {
        fail_with(&sql, sqlstate).await;
        let status = create(&mut tenant, "AFTER").await.unwrap_err();
        assert_eq!(status.code(), expected, "{sqlstate}: {status:?}");
        let retry = status.get_details_retry_info().is_some();
        assert_eq!(retry, expected == Code::Unavailable, "{sqlstate}");
        assert!(!format!("{status:?}").contains("gescheitert"), "{status:?}");
    }
    sql.run("DROP TRIGGER fail ON mailing_groups").await;
    tenant.group("AFTER").await;
}

#[tokio::test]
async fn a_call_whose_backend_is_terminated_is_unavailable() {
    let server = Server::start().await;
    let sql = Sql::connect(&server.database_url).await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("BEFORE").await;
    sql.run(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; \
         END $$; \
         CREATE TRIGGER die BEFORE INSERT ON mailing_groups FOR EACH ROW EXECUTE FUNCTION die()",
    )
    .await;
    let status = create(&mut tenant, "AFTER").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
}
