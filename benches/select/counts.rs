//! Counts, against the same count in SQL.

use std::time::{Duration, Instant};

use mailing_groups::pb::{self, mailing_groups_client::MailingGroupsClient};
use tokio_postgres::types::ToSql;
use tonic::transport::Channel;

use super::connect;
use crate::support::{
    figures::time,
    median, ratio,
    report::{Aim, Row},
    service::{Database, Service},
};

/// A count, and the same count in SQL, in three ways. `$1` to `$3` are the parameters.
pub(crate) struct CountCase {
    pub(crate) expression: &'static str,
    pub(crate) formulations: [(&'static str, &'static str); 3],
    pub(crate) parameters: [&'static (dyn ToSql + Sync); 3],
}

/// Selects members of two groups but not of a third.
const GROUPS: CountCase = CountCase {
    expression: "(G01 OR G05) AND NOT G12",
    formulations: [
        (
            "UNION/EXCEPT",
            "SELECT count(*) FROM ((SELECT contact_number FROM memberships \
                 WHERE tenant_id = 1 AND group_id = $1 UNION SELECT contact_number \
                 FROM memberships WHERE tenant_id = 1 AND group_id = $2) EXCEPT SELECT \
                 contact_number FROM memberships WHERE tenant_id = 1 AND group_id = $3) s",
        ),
        (
            "GROUP BY",
            "SELECT count(*) FROM (SELECT contact_number FROM memberships \
                 WHERE tenant_id = 1 AND group_id IN ($1, $2, $3) GROUP BY contact_number \
                 HAVING (bool_or(group_id = $1) OR bool_or(group_id = $2)) \
                     AND NOT bool_or(group_id = $3)) s",
        ),
        (
            "EXISTS",
            "SELECT count(*) FROM contacts c WHERE tenant_id = 1 AND \
                 (EXISTS (SELECT FROM memberships m WHERE m.tenant_id = 1 AND m.group_id = $1 \
                     AND m.contact_number = c.contact_number) OR \
                  EXISTS (SELECT FROM memberships m WHERE m.tenant_id = 1 AND m.group_id = $2 \
                     AND m.contact_number = c.contact_number)) AND \
                 NOT EXISTS (SELECT FROM memberships m WHERE m.tenant_id = 1 AND m.group_id = $3 \
                     AND m.contact_number = c.contact_number)",
        ),
    ],
    parameters: [&1_i32, &5_i32, &12_i32],
};

/// Counts by groups.
pub(crate) async fn rows(
    database: &Database,
    sql: &tokio_postgres::Client,
    rounds: u64,
) -> Vec<Row> {
    compared(database, sql, rounds, &GROUPS).await
}

/// Counts, cold and warm, against the best of the formulations.
pub(crate) async fn compared(
    database: &Database,
    sql: &tokio_postgres::Client,
    rounds: u64,
    case: &CountCase,
) -> Vec<Row> {
    let expression = case.expression;
    let mut theirs = Vec::new();
    for (name, text) in case.formulations {
        let statement = sql.prepare(text).await.expect("prepared");
        let mut times = Vec::new();
        let mut count = 0_i64;
        for _ in 0..rounds {
            let start = Instant::now();
            count = sql
                .query_one(&statement, &case.parameters)
                .await
                .expect("counts")
                .get(0);
            times.push(start.elapsed());
        }
        theirs.push((median(times), name, count));
    }
    let (best, name, expected) = theirs.iter().min().copied().expect("three");
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let service = Service::start(database.url(), &[]);
        let mut client = connect(&service).await;
        // The first call of a process makes connections; that is not what is measured.
        client
            .get_mailing_group(pb::GetMailingGroupRequest { code: "G01".into() })
            .await
            .expect("G01");
        cold.push(timed_count(&mut client, expression, expected).await);
        let mut times = Vec::new();
        for _ in 0..200 {
            times.push(timed_count(&mut client, expression, expected).await);
        }
        warm.push(median(times));
    }
    let (cold, warm) = (median(cold), median(warm));
    let row = |what: &str, ours: Duration, aim: f64| Row {
        what: format!("{what} count of {expression}: {expected} members"),
        ours: time(ours),
        theirs: format!("{} ({name})", time(best)),
        ratio: ratio(best, ours),
        rounds: None,
        aim: Aim::AtLeast(aim),
    };
    vec![row("warm", warm, 100.0), row("cold", cold, 1.0)]
}

async fn timed_count(
    client: &mut MailingGroupsClient<Channel>,
    expression: &str,
    expected: i64,
) -> Duration {
    let everybody = pb::SelectionOptions {
        include_excluded: true,
        include_privacy_blocked: true,
        ..Default::default()
    };
    let request = pb::CountSegmentMembersRequest {
        selection: Some(pb::Selection::of_expression(expression, everybody)),
    };
    let start = Instant::now();
    let counted = client
        .count_segment_members(request)
        .await
        .expect("counts")
        .into_inner();
    let elapsed = start.elapsed();
    assert_eq!(counted.member_count, expected, "both sides count the same");
    elapsed
}
