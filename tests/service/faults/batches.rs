//! What concurrent calls cost when each of them fails.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use tonic::Code;

use crate::support::{Server, Sql, Tenant, person};

const CALLS: usize = 200;

/// Makes every new membership fail with a SQLSTATE, and counts them. A sequence is not rolled back.
async fn fail_with(sql: &Sql, sqlstate: &str) {
    sql.run(&format!(
        "CREATE SEQUENCE attempts; \
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             PERFORM nextval('attempts'); \
             IF EXISTS (SELECT FROM added a JOIN contacts USING (tenant_id, contact_number) \
                        WHERE id = 'P0' OR '{sqlstate}' <> '23514') THEN \
                 RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; \
             END IF; \
             RETURN NULL; \
         END $$; \
         CREATE TRIGGER fail AFTER INSERT ON memberships \
             REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION fail()"
    ))
    .await;
}

async fn sessions(sql: &Sql) -> BTreeSet<i32> {
    let query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
        AND application_name = 'mailing-groups'";
    let rows = sql.rows(query, &[]).await;
    rows.iter().map(|row| row.get(0)).collect()
}

/// A server whose memberships fail, and what each of many concurrent assignments was answered.
async fn assign_all(sqlstate: &str) -> (Sql, Vec<Option<Code>>) {
    let server = Server::start().await;
    let sql = Sql::connect(&server.database_url).await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MOVE").await;
    join_all((0..CALLS).map(|n| {
        let mut tenant = tenant.clone();
        async move { tenant.create(person(&format!("P{n}"), "")).await }
    }))
    .await;
    fail_with(&sql, sqlstate).await;
    let before = sessions(&sql).await;
    let outcomes = join_all((0..CALLS).map(|n| {
        let mut tenant = tenant.clone();
        async move { tenant.try_assign(&format!("P{n}"), "MOVE").await }
    }))
    .await;
    let after = sessions(&sql).await;
    assert!(before.is_subset(&after), "{before:?} became {after:?}");
    let codes = outcomes.into_iter().map(|it| it.err().map(|it| it.code()));
    (sql, codes.collect())
}

#[tokio::test]
async fn a_fault_that_is_no_items_is_not_tried_again_for_each_call() {
    let (sql, codes) = assign_all("53100").await;
    assert!(codes.iter().all(Option::is_some), "{codes:?}");
    // However the calls gathered: an attempt answers at least one of them.
    let attempts = sql.number("SELECT last_value FROM attempts", &[]).await;
    assert!(attempts <= i64::try_from(CALLS).unwrap(), "{attempts}");
}

#[tokio::test]
async fn a_fault_of_one_item_fails_it_alone() {
    let (_, codes) = assign_all("23514").await;
    let mut expected = vec![None; CALLS];
    expected[0] = Some(Code::Internal);
    assert_eq!(codes, expected);
}
