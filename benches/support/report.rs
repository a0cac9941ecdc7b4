//! The table of ratios.

use std::fmt;

use super::figures::{Figures, spread};

/// The aim of a ratio.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    /// Higher is better.
    AtLeast(f64),
    /// Lower is better.
    AtMost(f64),
}

impl Aim {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(aim) => ratio >= aim,
            Self::AtMost(aim) => ratio <= aim,
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(aim) => write!(f, "≥ {}", Trimmed(*aim)),
            Self::AtMost(aim) => write!(f, "≤ {}", Trimmed(*aim)),
        }
    }
}

/// A number without zeros at its end.
struct Trimmed(f64);

impl fmt::Display for Trimmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.0 * 100.0).round() / 100.0)
    }
}

/// One comparison.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ours: String,
    pub(crate) theirs: String,
    pub(crate) ratio: f64,
    /// Ours and theirs, round by round, where each round has a ratio.
    pub(crate) rounds: Option<[Figures; 2]>,
    pub(crate) aim: Aim,
}

/// A measurement with a limit.
pub(crate) struct Limit {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) limit: String,
    pub(crate) met: bool,
}

/// Prints comparisons, and what has a limit, as tables, and as JSON to a file.
pub(crate) fn print(title: &str, facts: &str, rows: &[Row], limits: &[Limit], file: &str) {
    println!("\n{title}\n{facts}\n");
    println!("| what | ours | theirs | ratio | aim | |\n| --- | --- | --- | --- | --- | --- |");
    for row in rows {
        let verdict = if row.aim.is_met(row.ratio) {
            "met"
        } else {
            "missed"
        };
        let Row {
            what,
            ours,
            theirs,
            ratio,
            rounds,
            aim,
        } = row;
        let spread = rounds.as_ref().map(|[ours, theirs]| {
            let (least, most) = spread(&ours.over(theirs));
            format!(" ({least:.2}–{most:.2})")
        });
        let spread = spread.unwrap_or_default();
        println!("| {what} | {ours} | {theirs} | {ratio:.2}{spread} | {aim} | {verdict} |");
    }
    print_limits(limits);
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            serde_json::json!({
                "what": row.what, "ours": row.ours, "theirs": row.theirs,
                "ratio": row.ratio, "aim": row.aim.to_string(), "met": row.aim.is_met(row.ratio),
                "rounds": row.rounds.as_ref().map(|rounds| rounds.clone().map(|side| side.rounds)),
            })
        })
        .collect();
    let limits: Vec<_> = limits
        .iter()
        .map(|it| {
            serde_json::json!({
                "what": it.what, "measured": it.measured, "limit": it.limit, "met": it.met,
            })
        })
        .collect();
    let json = serde_json::json!({
        "title": title, "machine": facts, "rows": rows, "limits": limits,
    });
    std::fs::write(file, format!("{json:#}\n")).expect("the report can be written");
    println!("\nAlso in {file}.");
}

fn print_limits(limits: &[Limit]) {
    if limits.is_empty() {
        return;
    }
    println!("\n| what | measured | limit | |\n| --- | --- | --- | --- |");
    for it in limits {
        let verdict = if it.met { "met" } else { "missed" };
        println!(
            "| {} | {} | {} | {verdict} |",
            it.what, it.measured, it.limit
        );
    }
}
