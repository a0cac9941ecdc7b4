//! Assigning one pair a call, on both sides, with a check that it had its effects.

use std::time::Duration;

use crate::{
    support::load::{Done, Load},
    throughput::{
        effects::Effects,
        pairs::Pairs,
        pgbench::{self, Length},
        stage::Stage,
    },
};

const ASSIGN: &str = "/mailinggroups.v1.MailingGroups/AssignMailingGroup";

/// More calls than a second has.
const MOST_CALLS: u64 = 60_000;

/// The two natural ways to write the transaction.
pub(crate) const TRANSACTIONS: [(&str, &str); 2] = [
    (
        "in steps",
        concat!(
            include_str!("../sql/pair.sql"),
            include_str!("../sql/assign_in_steps.sql")
        ),
    ),
    (
        "in one statement",
        concat!(
            include_str!("../sql/pair.sql"),
            include_str!("../sql/assign_at_once.sql")
        ),
    ),
];

const BARE: &str = concat!(
    include_str!("../sql/pair.sql"),
    include_str!("../sql/insert_bare.sql")
);

/// Our side: calls with new pairs, and a check that they had their effects.
pub(crate) async fn assign(
    stage: &Stage,
    pairs: &mut Pairs,
    callers: (usize, usize),
    time: Duration,
) -> Done {
    let most = MOST_CALLS * time.as_secs();
    call(stage, pairs, callers, most, time).await
}

/// So many calls, one at a time.
pub(crate) async fn assign_all(stage: &Stage, pairs: &mut Pairs, calls: u64) {
    let time = Duration::from_secs(600);
    let done = call(stage, pairs, (1, 1), calls, time).await;
    assert_eq!(done.calls, calls, "all calls were made");
}

async fn call(
    stage: &Stage,
    pairs: &mut Pairs,
    (connections, in_flight): (usize, usize),
    most: u64,
    time: Duration,
) -> Done {
    let messages = pairs.calls(most);
    stage.settle().await;
    let before = Effects::of(&stage.sql, &pairs.tenants).await;
    let load = Load {
        endpoint: &stage.service.endpoint,
        path: ASSIGN,
        tenants: &pairs.names(),
        connections,
        in_flight,
        ramp: Duration::ZERO,
        time,
        messages: &messages,
        again: false,
        refusals: false,
    };
    let done = load.run().await;
    pairs.advance(done.calls);
    let after = Effects::of(&stage.sql, &pairs.tenants).await;
    after.check(&before, done.calls);
    done
}

/// Their side: transactions with new pairs, and the same check.
pub(crate) async fn transact(
    stage: &Stage,
    pairs: &mut Pairs,
    script: &str,
    clients: u32,
    time: Duration,
) -> pgbench::Done {
    stage.settle().await;
    let before = Effects::of(&stage.sql, &pairs.tenants).await;
    let done = run(stage, pairs, script, clients, time).await;
    let after = Effects::of(&stage.sql, &pairs.tenants).await;
    after.check(&before, done.transactions);
    done
}

/// The bare insert, and a check that the pairs were new.
pub(crate) async fn insert_bare(stage: &Stage, pairs: &mut Pairs, time: Duration) -> f64 {
    let count = "SELECT count(*) FROM bare_memberships";
    let count = async || -> i64 {
        let row = stage.sql.query_one(count, &[]).await;
        row.expect("they are counted").get(0)
    };
    stage.settle().await;
    let before = count().await;
    let done = run(stage, pairs, BARE, 64, time).await;
    let more = count().await - before;
    assert_eq!(more as u64, done.transactions, "all pairs were new");
    done.per_second
}

async fn run(
    stage: &Stage,
    pairs: &mut Pairs,
    script: &str,
    clients: u32,
    time: Duration,
) -> pgbench::Done {
    let run = pgbench::Run {
        url: &stage.url,
        script,
        variables: pairs.variables(clients),
        clients,
        length: Length::Time(time),
        timed: clients == 1,
    };
    let done = run.run().await;
    // Some clients may have come further than others; if one has overtaken the next run's
    // beginning, the check of effects fails.
    pairs.advance(done.transactions * 2 + 100 * u64::from(clients));
    done
}
