//! A disk without space: inserts fail as PostgreSQL reports that.

use futures_util::future::join_all;
use tonic::Code;

use crate::support::{Server, Sql, Tenant, info, new_group, person};

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

/// Tenants that write at the same time, and how often each does.
const WRITERS: usize = 16;
const WRITES: usize = 100;

/// Each fails when its log is written, and leaves its connection to others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_write_without_space_says_so() {
    let server = Server::start().await;
    let mut tenants = Vec::new();
    for number in 0..WRITERS {
        let mut tenant = Tenant::of(&server, &format!("t-{number}")).await;
        tenant.group("GIFT").await;
        tenants.push(tenant);
    }
    let sql = Sql::connect(&server.database_url).await;
    sql.run(&FULL.replace("memberships", "revisions")).await;
    let writers = tenants.into_iter().map(|mut tenant| {
        tokio::spawn(async move {
            for number in 0..WRITES {
                let group = new_group(&format!("G{number}"), "");
                let status = tenant.create_group(group, "").await.unwrap_err();
                assert_eq!(info(&status).reason, "DATABASE_FULL", "{status:?}");
                tenant.get_group("GIFT").await.unwrap();
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
}
