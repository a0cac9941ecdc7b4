//! The latency of a call that is alone: row 7, its median and its 99th percentile.

use std::time::Duration;

use bytes::Bytes;
use tonic_health::pb::HealthCheckRequest;

use super::assign::{TRANSACTIONS, assign, transact};
use crate::{
    support::load::{Load, frame},
    support::{
        figures::{Figures, Unit, quantile},
        report::Aim,
    },
    throughput::{
        line::Line,
        pairs::Pairs,
        stage::{Settings, Stage},
    },
};

const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// A quantile's line, and its figures of each way to write the transaction.
struct Quantile {
    quantile: f64,
    line: Line,
    ways: [Figures; TRANSACTIONS.len()],
}

/// Measures both quantiles.
pub(crate) async fn measure(
    stage: &Stage,
    ours: &mut Pairs,
    theirs: &mut Pairs,
    settings: &Settings,
) -> Vec<Line> {
    let mut quantiles = [("7", "median", 0.5), ("7p99", "99th percentile", 0.99)].map(new);
    for _ in 0..settings.rounds {
        let done = assign(stage, ours, (1, 1), settings.time).await;
        let empty = empty(stage, settings.time).await;
        let mut ways = Vec::new();
        for (_, script) in TRANSACTIONS {
            let done = transact(stage, theirs, script, 1, settings.time).await;
            ways.push(done.latencies);
        }
        for to in &mut quantiles {
            let of = |times: &[Duration]| quantile(times, to.quantile);
            for (way, times) in to.ways.iter_mut().zip(&ways) {
                way.push(of(times) + of(&empty));
            }
            let best = ways.iter().map(|way| of(way)).fold(f64::INFINITY, f64::min);
            to.line.push(of(&done.latencies), best + of(&empty));
        }
    }
    quantiles.map(best).into()
}

fn new((row, name, quantile): (&'static str, &str, f64)) -> Quantile {
    let what = format!("latency of a lone AssignMailingGroup, {name}");
    let against = "empty call + pgbench -c 1, same effects";
    Quantile {
        quantile,
        line: Line::new(row, &what, against, Unit::Seconds, Aim::AtMost(1.3)),
        ways: TRANSACTIONS.map(|_| Figures::new(Unit::Seconds)),
    }
}

/// The way that is the faster one in the middle is theirs.
fn best(quantile: Quantile) -> Line {
    let Quantile { mut line, ways, .. } = quantile;
    let best = usize::from(ways[1].median() < ways[0].median());
    line.against = format!("{} {}", line.against, TRANSACTIONS[best].0);
    line.theirs = ways[best].clone();
    line
}

/// Calls that touch no database, one at a time.
async fn empty(stage: &Stage, time: Duration) -> Vec<Duration> {
    let message = frame(&HealthCheckRequest::default());
    let load = Load {
        endpoint: &stage.service.endpoint,
        path: HEALTH,
        tenants: &["t1".to_owned()],
        connections: 1,
        in_flight: 1,
        ramp: Duration::ZERO,
        time: time.min(Duration::from_secs(1)),
        messages: &[message] as &[Bytes],
        again: true,
        refusals: false,
    };
    load.run().await.latencies
}
