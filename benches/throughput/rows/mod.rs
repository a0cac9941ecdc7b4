//! The rows of the table.

pub(crate) mod assign;
pub(crate) mod batch;
pub(crate) mod import;
pub(crate) mod latency;
pub(crate) mod read;
pub(crate) mod scale;
pub(crate) mod snapshot;
pub(crate) mod upload;
pub(crate) mod writes;

use super::{
    line::Line,
    pairs::Pairs,
    stage::{Settings, Stage},
};
use crate::support::service::Database;

/// Tenants of row 3, a side. Together they have as many contacts as the one of row 2.
const TENANTS: u64 = 16;

const BARE_MEMBERSHIPS: &str = include_str!("../sql/bare_memberships.sql");

/// Measures the chosen rows.
pub(crate) async fn measure(database: &Database, settings: &Settings) -> Vec<Line> {
    let mut lines = Vec::new();
    let wants = |rows: &[&str]| rows.iter().any(|row| settings.wants(row));
    if wants(&["1", "2", "2b", "3", "7", "8", "9"]) {
        lines.extend(one_a_call(database, settings).await);
    }
    let contacts = settings.contacts();
    if wants(&["4"]) {
        template(database, "unassigned", contacts, false).await;
        lines.push(import::memberships(database, "unassigned", settings).await);
    }
    if wants(&["5"]) {
        template(database, "nobody", 0, false).await;
        lines.push(import::contacts(database, "nobody", settings).await);
    }
    if wants(&["6"]) {
        template(database, "assigned", contacts, true).await;
        lines.push(batch::measure(database, "assigned", settings).await);
    }
    lines.sort_by_key(|line| line.row);
    lines
}

/// The rows with one pair, or one group, a call.
async fn one_a_call(database: &Database, settings: &Settings) -> Vec<Line> {
    let stage = Stage::new(database, "base", None).await;
    let contacts = settings.contacts();
    stage.fill(1..=2, contacts, true).await;
    let (mut ours, mut theirs) = (Pairs::of(1..=1, contacts), Pairs::of(2..=2, contacts));
    let mut lines = Vec::new();
    if settings.wants("1") {
        lines.extend(read::measure(&stage, settings).await);
    }
    if settings.wants("2") || settings.wants("2b") {
        stage.execute(BARE_MEMBERSHIPS).await;
        let mut bare = Pairs::of(2..=2, contacts);
        let pairs = (&mut ours, &mut theirs);
        let measured = writes::measure(("2", 20.0), &stage, pairs, Some(&mut bare), settings);
        lines.extend(measured.await);
    }
    if settings.wants("7") {
        lines.extend(latency::measure(&stage, &mut ours, &mut theirs, settings).await);
    }
    if settings.wants("8") {
        lines.extend(ten_times(database, (&stage, &mut ours), settings).await);
    }
    if settings.wants("9") {
        lines.push(snapshot::measure(&stage, &mut ours, settings).await);
    }
    if settings.wants("3") {
        lines.extend(many_tenants(&stage, settings).await);
    }
    stage.remove(database).await;
    lines
}

async fn many_tenants(stage: &Stage, settings: &Settings) -> Vec<Line> {
    let contacts = (settings.contacts() / TENANTS / 10).max(10) * 10;
    let (ours, theirs) = (3..=2 + TENANTS, 3 + TENANTS..=2 + 2 * TENANTS);
    stage.fill(3..=2 + 2 * TENANTS, contacts, true).await;
    let mut ours = Pairs::of(ours, contacts);
    let mut theirs = Pairs::of(theirs, contacts);
    let pairs = (&mut ours, &mut theirs);
    writes::measure(("3", 5.0), stage, pairs, None, settings).await
}

async fn ten_times(database: &Database, small: scale::Side<'_>, settings: &Settings) -> Vec<Line> {
    let large = Stage::new(database, "large", None).await;
    let contacts = settings.contacts() * 10;
    large.fill(1..=1, contacts, true).await;
    let mut many = Pairs::of(1..=1, contacts);
    let lines = scale::measure((&large, &mut many), small, settings).await;
    large.remove(database).await;
    lines
}

/// A database to be copied for each side of each round.
async fn template(database: &Database, name: &str, contacts: u64, filled: bool) {
    let stage = Stage::new(database, name, None).await;
    stage.fill(1..=1, contacts, filled).await;
    stage.settle().await;
    stage.close(database).await;
}
