//! Ten times the data: row 8.

use crate::{
    support::{
        figures::{Unit, quantile},
        report::Aim,
    },
    throughput::{
        line::Line,
        pairs::Pairs,
        rows::{assign::assign, read::get_one},
        stage::{Settings, Stage},
    },
};

/// The explanation of a loss of a tenth of the speed.
const LEAST: f64 = 0.9;

/// A stage, and the new pairs of its tenant.
pub(crate) type Side<'a> = (&'a Stage, &'a mut Pairs);

/// Measures `large` against `small`: what is ours is on both sides.
pub(crate) async fn measure(
    (large, many): Side<'_>,
    (small, few): Side<'_>,
    settings: &Settings,
) -> Vec<Line> {
    let line = |row, what: &str, unit, aim| {
        let what = format!("{what}, 10 times the data");
        Line::new(row, &what, "the same at 1 times", unit, aim)
    };
    let (rate, time) = (Unit::PerSecond, Unit::Seconds);
    let (least, most) = (Aim::AtLeast(LEAST), Aim::AtMost(1.0 / LEAST));
    let mut reads = line("8 (1)", "GetMailingGroup", rate, least);
    let mut writes = line("8 (2)", "AssignMailingGroup", rate, least);
    let mut median = line("8 (7)", "a lone AssignMailingGroup, median", time, most);
    let mut p99 = line("8 (7p99)", "a lone AssignMailingGroup, p99", time, most);
    for _ in 0..settings.rounds {
        let time = settings.time;
        let ours = get_one(large, time).await;
        reads.push(ours, get_one(small, time).await);
        let ours = assign(large, many, (8, 32), time).await;
        let theirs = assign(small, few, (8, 32), time).await;
        writes.push(ours.per_second(), theirs.per_second());
        let ours = assign(large, many, (1, 1), time).await.latencies;
        let theirs = assign(small, few, (1, 1), time).await.latencies;
        median.push(quantile(&ours, 0.5), quantile(&theirs, 0.5));
        p99.push(quantile(&ours, 0.99), quantile(&theirs, 0.99));
    }
    vec![reads, writes, median, p99]
}
