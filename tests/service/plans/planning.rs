//! Which statements are planned anew each time they run.

use diesel::{prelude::*, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use mailing_groups::{
    model::{Assignment, Code, Commit, ContactId},
    store::{self, log::LogFilter, memberships::LoggedCommit},
};

use super::filled;

/// Calls that are made often must not pay for planning each time: it can take longer than the
/// statement itself.
#[tokio::test]
async fn statements_of_frequent_calls_are_planned_once() {
    let mut conn = filled().await;
    let filter = LogFilter {
        codes: true,
        contacts: true,
        members_of: vec![1],
        attributes: vec!["class".parse().unwrap()],
        ..LogFilter::default()
    };
    for n in 0..20 {
        let (id, code): (ContactId, Code) = (
            format!("P{:07}", 30_001 + n).parse().unwrap(),
            "G1".parse().unwrap(),
        );
        let pair = Assignment {
            contact_id: id.clone(),
            code: code.clone(),
        };
        let commit = LoggedCommit {
            time: store::now(),
            request_id: "test".to_owned(),
            actors: "anonymous".to_owned(),
            id: n.into(),
        };
        let pairs = || std::iter::once(&pair);
        let conn = &mut conn;
        let done = store::memberships::assign_logged(conn, 1, pairs(), &commit).await;
        assert!(done.unwrap()[0].changed);
        let done = store::memberships::unassign_logged(conn, 1, pairs(), &commit).await;
        assert!(done.unwrap()[0].changed);
        store::mailing_groups::find_all(conn, 1, &[&code])
            .await
            .unwrap();
        store::contacts::find_all(conn, 1, &[&id]).await.unwrap();
        store::log::changes_since(conn, 1, &[Commit { revision: 1, id: 0 }], &filter)
            .await
            .unwrap();
        store::contacts::by_numbers(conn, 1, vec![n, n + 5_000])
            .await
            .unwrap();
        store::contacts::by_bits(conn, 1, n + 1, vec![255; 100])
            .await
            .unwrap();
    }
    #[derive(Debug, QueryableByName)]
    struct Planned {
        #[diesel(sql_type = diesel::sql_types::Text)]
        statement: String,
        #[diesel(sql_type = BigInt)]
        custom_plans: i64,
    }
    let text = "SELECT statement, custom_plans FROM pg_prepared_statements WHERE custom_plans > 6";
    let planned: Vec<Planned> = diesel::sql_query(text).load(&mut conn).await.unwrap();
    let planned: Vec<_> = planned
        .iter()
        .map(|it| {
            (
                it.custom_plans,
                it.statement.chars().take(90).collect::<String>(),
            )
        })
        .collect();
    assert!(planned.is_empty(), "{planned:#?}");
}
