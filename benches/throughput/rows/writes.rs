//! Assigning at full speed: rows 2, 2b and 3.

use super::assign::{TRANSACTIONS, assign, insert_bare, transact};
use crate::{
    support::{
        figures::{Figures, Unit},
        report::Aim,
    },
    throughput::{
        line::Line,
        pairs::Pairs,
        stage::{Settings, Stage},
    },
};

/// Row 2, one tenant, or row 3, several. With `bare`, row 2b as well, against the same calls.
pub(crate) async fn measure(
    (row, aim): (&'static str, f64),
    stage: &Stage,
    (ours, theirs): (&mut Pairs, &mut Pairs),
    mut bare: Option<&mut Pairs>,
    settings: &Settings,
) -> Vec<Line> {
    let tenants = match ours.names().len() {
        1 => "one tenant".to_owned(),
        count => format!("{count} tenants"),
    };
    let what = format!("AssignMailingGroup, {tenants}, 8 × 32 in flight");
    let line =
        |row, against, aim| Line::new(row, &what, against, Unit::PerSecond, Aim::AtLeast(aim));
    let mut same = line(row, "pgbench -c 64, same effects", aim);
    let mut less = line("2b", "pgbench -c 64, bare INSERT", 2.0);
    let mut ways = TRANSACTIONS.map(|_| Figures::new(Unit::PerSecond));
    for _ in 0..settings.rounds {
        let done = assign(stage, ours, (8, 32), settings.time).await;
        let mut best = 0.0;
        for ((_, script), way) in TRANSACTIONS.into_iter().zip(&mut ways) {
            let done = transact(stage, theirs, script, 64, settings.time).await;
            way.push(done.per_second);
            best = done.per_second.max(best);
        }
        same.push(done.per_second(), best);
        if let Some(pairs) = &mut bare {
            let bare = insert_bare(stage, pairs, settings.time).await;
            less.push(done.per_second(), bare);
        }
    }
    // The way that is the faster one in the middle is theirs.
    let best = usize::from(ways[1].median() > ways[0].median());
    same.against = format!("{} {}", same.against, TRANSACTIONS[best].0);
    same.theirs = ways[best].clone();
    match bare {
        Some(_) => vec![same, less],
        None => vec![same],
    }
}
