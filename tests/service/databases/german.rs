//! A database whose messages are in German: errors are told by their SQLSTATE.

use mailing_groups::server::Limits;
use tokio::task::JoinSet;
use tonic::Code;

use super::refusal;
use crate::support::{
    Replication, Server, Sql, Tenant, company, eventually, info, person, refused,
};

/// Concurrent callers that create the same contact.
const CALLERS: usize = 8;

#[tokio::test]
async fn errors_are_the_same_whatever_the_language_of_the_messages() {
    let database = Replication::start().await;
    let url = database.primary_url();
    let sql = Sql::connect(url).await;
    let message = sql.try_rows("SELECT 1 / 0").await.unwrap_err();
    let message = message.as_db_error().unwrap().message().to_owned();
    assert!(
        ["Division durch Null", "division by zero"].contains(&message.as_str()),
        "{message}"
    );
    let server = Server::on(url, Limits::default()).await;
    let mut tenant = Tenant::of(&server, "t").await;

    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let mut tenant = tenant.clone();
        callers.spawn(async move { tenant.try_create(company("A")).await });
    }
    let outcomes = callers.join_all().await;
    let refusals = outcomes.iter().filter_map(|it| it.as_ref().err());
    let refusals: Vec<_> = refusals.map(|it| (it.code(), info(it).reason)).collect();
    let expected = (Code::AlreadyExists, "CONTACT_ALREADY_EXISTS".to_owned());
    assert_eq!(refusals, vec![expected; CALLERS - 1]);

    tenant.group("MOVE").await;
    tenant.create(person("P", "A")).await;
    tenant.assign("P", "MOVE").await;
    let lost = refused(tenant.try_create(person("Q", "NOBODY")).await);
    assert_eq!(lost.0, Code::NotFound, "{lost:?}");

    sql.run("ALTER DATABASE postgres SET default_transaction_read_only = on")
        .await;
    sql.run(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
        WHERE application_name = 'mailing-groups'",
    )
    .await;
    eventually(async || {
        let outcome = tenant.try_create(company("C")).await;
        (refused(outcome).0 == Code::Unavailable).then_some(())
    })
    .await;
    let read = tenant.get_contact("A").await;
    assert_eq!(read.unwrap().id, "A");
    assert!(
        refusal(&format!("{url}&dbname=none"), &[])
            .await
            .contains("none")
    );
}
