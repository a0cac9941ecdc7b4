//! Assigning ten thousand pairs a call: row 6.

use std::time::{Duration, Instant};

use mailing_groups::pb;

use crate::{
    support::load::{Load, frame},
    support::{figures::Unit, report::Aim, service::Database},
    throughput::{
        effects::Effects,
        line::Line,
        pairs::Pairs,
        pgbench::{self, Length},
        stage::{Settings, Stage},
    },
};

const BATCH: &str = "/mailinggroups.v1.MailingGroups/BatchAssignMailingGroups";
const SIZE: u64 = 10_000;
const CALLERS: u32 = 8;
/// Calls of each caller.
const CALLS: u64 = 2;
const SCRIPT: &str = include_str!("../sql/batch.sql");

/// Measures, each round in a copy of `template`.
pub(crate) async fn measure(database: &Database, template: &str, settings: &Settings) -> Line {
    let mut line = Line::new(
        "6",
        "BatchAssign of 10,000, 8 callers, rows",
        "pgbench -c 8, same statement",
        Unit::PerSecond,
        Aim::AtLeast(0.8),
    );
    for _ in 0..settings.rounds {
        let pairs = Pairs::of(1..=1, settings.contacts());
        let stage = Stage::new(database, "round", Some(template)).await;
        let ours = assign(&stage, &pairs).await;
        stage.remove(database).await;
        let stage = Stage::new(database, "round", Some(template)).await;
        let theirs = transact(&stage, &pairs).await;
        stage.remove(database).await;
        line.push(ours, theirs);
    }
    line
}

fn batches(pairs: &Pairs) -> Vec<Vec<pb::Assignment>> {
    let all: Vec<_> = pairs.next(u64::from(CALLERS) * CALLS * SIZE).collect();
    all.chunks(SIZE as usize).map(<[_]>::to_vec).collect()
}

async fn assign(stage: &Stage, pairs: &Pairs) -> f64 {
    let request = |assignments| pb::BatchAssignMailingGroupsRequest {
        assignments,
        ..Default::default()
    };
    let messages: Vec<_> = batches(pairs)
        .into_iter()
        .map(|batch| frame(&request(batch)))
        .collect();
    stage.settle().await;
    let before = Effects::of(&stage.sql, &pairs.tenants).await;
    let load = Load {
        endpoint: &stage.service.endpoint,
        path: BATCH,
        tenants: &pairs.names(),
        connections: CALLERS as usize,
        in_flight: 1,
        ramp: Duration::ZERO,
        time: Duration::from_secs(600),
        messages: &messages,
        again: false,
        refusals: false,
    };
    let done = load.run().await;
    let after = Effects::of(&stage.sql, &pairs.tenants).await;
    after.check(&before, done.calls * SIZE);
    done.per_second() * SIZE as f64
}

/// The other side reads its batches from a table, which spares it sending them.
async fn transact(stage: &Stage, pairs: &Pairs) -> f64 {
    let table = "CREATE TABLE batches (batch int PRIMARY KEY, contact_ids text[], codes text[])";
    stage.execute(table).await;
    for (batch, items) in (0_i32..).zip(batches(pairs)) {
        let (ids, codes): (Vec<String>, Vec<String>) = items
            .into_iter()
            .map(|pair| (pair.contact_id, pair.code))
            .unzip();
        let insert = "INSERT INTO batches VALUES ($1, $2, $3)";
        let done = stage.sql.execute(insert, &[&batch, &ids, &codes]).await;
        done.expect("a batch is kept");
    }
    stage.settle().await;
    let before = Effects::of(&stage.sql, &pairs.tenants).await;
    let mut variables = pairs.variables(CALLERS);
    variables.push(("tenant", pairs.tenants.start().to_string()));
    let run = pgbench::Run {
        url: &stage.url,
        script: SCRIPT,
        variables,
        clients: CALLERS,
        length: Length::Transactions(CALLS),
        timed: false,
    };
    let start = Instant::now();
    let done = run.run().await;
    let elapsed = start.elapsed();
    let after = Effects::of(&stage.sql, &pairs.tenants).await;
    after.check(&before, done.transactions * SIZE);
    (done.transactions * SIZE) as f64 / elapsed.as_secs_f64()
}
