//! The table of ratios.

use std::time::Duration;

/// One comparison.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ours: String,
    pub(crate) theirs: String,
    pub(crate) ratio: f64,
    pub(crate) aim: f64,
}

/// Prints comparisons as a table, and as JSON to a file.
pub(crate) fn print(title: &str, facts: &str, rows: &[Row], file: &str) {
    println!("\n{title}\n{facts}\n");
    println!("| what | ours | theirs | ratio | aim | |\n| --- | --- | --- | --- | --- | --- |");
    for row in rows {
        let verdict = if row.ratio >= row.aim {
            "met"
        } else {
            "missed"
        };
        let Row {
            what,
            ours,
            theirs,
            ratio,
            aim,
        } = row;
        println!("| {what} | {ours} | {theirs} | {ratio:.2} | ≥ {aim} | {verdict} |");
    }
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            serde_json::json!({
                "what": row.what, "ours": row.ours, "theirs": row.theirs,
                "ratio": row.ratio, "aim": row.aim,
            })
        })
        .collect();
    let json = serde_json::json!({ "title": title, "machine": facts, "rows": rows });
    std::fs::write(file, format!("{json:#}\n")).expect("the report can be written");
    println!("\nAlso in {file}.");
}

/// A duration for people.
pub(crate) fn time(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 0.001 => format!("{:.0} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}
