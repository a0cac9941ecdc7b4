//! A disk without space: each insert of a membership fails as PostgreSQL reports that.

use futures_util::future::join_all;
use tonic::Code;

use crate::support::{Server, Sql, Tenant, info, person};

/// Counts the statements that insert; a sequence is not rolled back.
const FULL: &str = "
    CREATE SEQUENCE attempts;
    CREATE FUNCTION be_full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM nextval('attempts');
        RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full';
    END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON memberships
        FOR EACH STATEMENT EXECUTE FUNCTION be_full();";

#[tokio::test]
async fn a_batch_that_fails_for_want_of_space_is_not_repeated_in_parts() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("GIFT").await;
    tenant.create(person("P", "")).await;
    let sql = Sql::connect(&server.database_url).await;
    sql.run(FULL).await;
    let holder = Sql::connect(&server.database_url).await;
    holder.hold_clock("t").await;
    let assign = |mut tenant: Tenant| {
        tokio::spawn(async move { tenant.try_assign("P", "GIFT").await.unwrap_err() })
    };
    let mut calls = vec![assign(tenant.clone())];
    sql.until_waiting(1).await;
    calls.extend((1..400).map(|_| assign(tenant.clone())));
    // On the same connection, so that the server has the others by then.
    tenant.get_group("GIFT").await.unwrap();
    holder.run("ROLLBACK").await;
    for call in join_all(calls).await {
        let status = call.unwrap();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        assert_eq!(info(&status).reason, "DATABASE_FULL");
    }
    let attempts = sql.number("SELECT last_value FROM attempts", &[]).await;
    assert!((1..=40).contains(&attempts), "{attempts} statements");
}
