//! A lone call beside an old snapshot: row 9.

use std::time::Duration;

use super::assign::{assign, assign_all};
use crate::{
    support::{
        figures::{Unit, quantile},
        report::Aim,
        service,
    },
    throughput::{
        line::Line,
        pairs::Pairs,
        progress::say,
        stage::{Settings, Stage},
    },
};

/// Calls, each a transaction of its own, that a snapshot sees nothing of.
const CALLS: u64 = 50_000;

/// As long as it is open, all versions of the rows that the calls change stay.
const OPEN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM tenants";

/// Measures a lone call, normally and beside a snapshot that is older than [`CALLS`] calls.
pub(crate) async fn measure(stage: &Stage, pairs: &mut Pairs, settings: &Settings) -> Line {
    let mut line = Line::new(
        "9",
        &format!("a lone AssignMailingGroup beside a snapshot {CALLS} writes old, median"),
        "the same without it",
        Unit::Seconds,
        Aim::AtMost(1.5),
    );
    for _ in 0..settings.rounds {
        let normal = lone(stage, pairs, settings.time).await;
        let reader = service::connect(&stage.url).await;
        reader.batch_execute(OPEN).await.expect("a snapshot");
        say(&format!("{CALLS} calls beside a snapshot"));
        assign_all(stage, pairs, CALLS).await;
        line.push(lone(stage, pairs, settings.time).await, normal);
        reader.batch_execute("ROLLBACK").await.expect("it ends");
    }
    line
}

async fn lone(stage: &Stage, pairs: &mut Pairs, time: Duration) -> f64 {
    quantile(&assign(stage, pairs, (1, 1), time).await.latencies, 0.5)
}
