//! What one tenant's load costs another: the latency of a quiet tenant's sequential calls, alone and
//! beside each of several loads of a loud tenant; and the server's memory.
//!
//! `LOADS` chooses loads by name, `SECONDS` is how long each is measured.

mod support;
// By its path, for this file has the name that would be looked for first.
#[path = "neighbours/mod.rs"]
mod neighbours;

use std::time::Duration;

use neighbours::{
    loads::{self, Loud},
    overload,
    quiet::{CALLS, Latencies, Quiet},
    recovery,
};
use support::{
    machine,
    report::{self, Limit},
    service::{Database, Service},
    setting,
};

/// The most memory of the server, in MiB, whatever arrives.
const MAX_MEMORY: u64 = 600;

/// How many times as long a call may take beside a load: the median, and the 99th percentile.
const MAX_RATIOS: [f64; 2] = [5.0, 20.0];

#[tokio::main]
async fn main() {
    let time = Duration::from_secs(setting("SECONDS", 5));
    let wanted: String = setting("LOADS", String::new());
    let database = Database::start().await;
    let service = Service::start(database.url(), &["--log", "off"]);
    let facts = machine::facts(&database.version().await);
    eprintln!("filling …");
    let mut quiet = Quiet::fill(&service.endpoint).await;
    let loud = Loud::fill(&service.endpoint, database.connect().await).await;
    let mut limits = Vec::new();
    for load in loads::all() {
        if !wanted.is_empty() && !wanted.split(',').any(|name| name == load.name) {
            continue;
        }
        eprintln!("{} …", load.name);
        let alone = quiet.measure(time).await;
        let running = (load.start)(&loud).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let beside = quiet.measure(time).await;
        running.stop().await;
        let memory = machine::most_resident(service.process_id());
        limits.extend(compare(load.name, &alone, &beside));
        limits.push(Limit {
            what: format!("{}: memory of the server, at most so far", load.name),
            measured: format!("{memory} MiB"),
            limit: format!("≤ {MAX_MEMORY} MiB"),
            met: memory <= MAX_MEMORY,
        });
        // What was queued has to end before the next measurement alone.
        quiet.settle().await;
    }
    let is_wanted = |name| wanted.is_empty() || wanted.split(',').any(|it| it == name);
    if is_wanted("recovery") {
        limits.push(recovery::limit(&service.endpoint, &database.cluster).await);
        quiet.settle().await;
    }
    if is_wanted("overload") {
        limits.extend(overload::limits(&service.endpoint, &mut quiet, time).await);
    }
    let title = format!(
        "A quiet tenant beside a loud one, {} s each",
        time.as_secs()
    );
    report::print(&title, &facts, &[], &limits, "bench-neighbours.json");
    drop(service);
    database.stop().await;
}

fn compare(load: &str, alone: &[Latencies; 3], beside: &[Latencies; 3]) -> Vec<Limit> {
    let calls = CALLS.iter().zip(alone).zip(beside);
    calls
        .map(|((call, alone), beside)| {
            let ratios = [0.5, 0.99].map(|at| beside.quantile(at) / alone.quantile(at));
            Limit {
                what: format!("{load}: {call}, alone {}", alone.show()),
                measured: format!(
                    "{}: {:.1} and {:.1} times, {} failed",
                    beside.show(),
                    ratios[0],
                    ratios[1],
                    beside.failed
                ),
                limit: format!("≤ {} and {} times", MAX_RATIOS[0], MAX_RATIOS[1]),
                met: beside.failed == 0
                    && ratios.iter().zip(MAX_RATIOS).all(|(is, max)| *is <= max),
            }
        })
        .collect()
}
