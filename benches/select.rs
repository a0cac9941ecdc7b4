//! Selecting against SQL: counts of a three-group expression and streams of a large group, on a
//! tenant of a million contacts and five million memberships, in ratios within one run; and what
//! readers, actions on segments and long work take.
//!
//! `SCALE` multiplies the tenant, `ROUNDS` is the number of repetitions.

mod support;
// By its path, for this file has the name that would be looked for first.
#[path = "select/mod.rs"]
mod select;

use select::{actions, attributes, companies, counts, fill::fill, long_work, readers, streams};
use support::{
    machine,
    report::{self, Limit},
    service::{Database, Service},
    setting,
};

#[tokio::main]
async fn main() {
    let scale: u64 = setting("SCALE", 1);
    let rounds = setting("ROUNDS", 5);
    let contacts = 1_000_000 * scale;
    let database = Database::start().await;
    drop(Service::start(database.url(), &[]));
    let facts = machine::facts(&database.version().await);
    eprintln!("filling a tenant with {contacts} contacts …");
    let sql = database.connect().await;
    fill(&sql, contacts).await;

    eprintln!("counting …");
    let mut rows = counts::rows(&database, &sql, rounds).await;
    let service = Service::start(database.url(), &[]);
    let before = machine::resident(service.process_id());
    eprintln!("streaming …");
    rows.extend(streams::rows(&database, &service, rounds).await);
    let during = machine::most_resident(service.process_id());
    let after = machine::resident(service.process_id());
    eprintln!("reading slowly, and hanging up …");
    let mut limits = vec![Limit {
        what: format!("memory of the server: {before} MiB before the streams, {after} MiB after"),
        measured: format!("{during} MiB at most"),
        limit: "≤ 512 MiB".to_owned(),
        met: during <= 512,
    }];
    limits.extend(readers::limits(&database, &service).await);
    eprintln!("selecting by companies …");
    limits.extend(companies::limits(&database, rounds).await);
    eprintln!("building a segment …");
    limits.extend(actions::limits(&database, &service).await);
    eprintln!("changing a group of all contacts …");
    limits.extend(long_work::limits(&service).await);

    eprintln!("counting by attributes …");
    rows.extend(attributes::rows(&database, &sql, rounds, contacts).await);

    let title = format!("Selecting, {contacts} contacts, 50 groups, {rounds} rounds");
    report::print(&title, &facts, &rows, &limits, "bench-select.json");
    drop(service);
    database.stop().await;
}
