//! Throughput and latency in ratios within one run: each of our calls against the best public
//! load tool that does the same durable work on the same PostgreSQL.
//!
//! `SCALE` multiplies the data, `ROUNDS` is the number of repetitions, `ROWS` chooses rows,
//! `RUN_SECONDS` is the time of one side of a round. docs/performance.md explains the rows.

mod support;
// By its path, for this file has the name that would be looked for first.
#[path = "throughput/mod.rs"]
mod throughput;

use support::{machine, report, service::Database};
use throughput::{line::Line, rows, stage::Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let settings = Settings::from_environment();
    let database = Database::start().await;
    let facts = machine::facts(&database.version().await);
    let lines = rows::measure(&database, &settings).await;
    let title = format!(
        "Throughput, {} contacts a tenant, 50 groups, {} rounds: medians (least–most)",
        settings.contacts(),
        settings.rounds
    );
    let rows: Vec<_> = lines.iter().map(Line::row).collect();
    report::print(&title, &facts, &rows, &[], "bench.json");
    database.stop().await;
}
