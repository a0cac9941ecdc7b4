//! How far an import or an export has come: a bar on a terminal, plain lines elsewhere.

use std::{
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{client::terminal, duration::human};

/// Plain lines come no more often than this.
const INTERVAL: Duration = Duration::from_secs(1);

/// How far it has come, by a measure of the whole that is known beforehand: an import by the bytes
/// of the rows that are answered for, an export by contacts.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    /// What becomes of the rows, for people.
    verb: &'static str,
    start: Instant,
    told: Instant,
    size: u64,
    done: u64,
}

impl Progress {
    pub(super) fn new(size: u64, verb: &'static str) -> Self {
        let now = Instant::now();
        Self {
            bar: stderr().is_terminal().then(|| bar(size)),
            verb,
            start: now,
            told: now,
            size,
            done: 0,
        }
    }

    /// So much more of the whole is done; it is so many rows by now.
    pub(super) fn advance(&mut self, more: u64, rows: u64) {
        self.done += more;
        let share = self.done as f64 / self.size.max(1) as f64;
        let text = || line(rows, self.verb, self.start.elapsed(), share.min(1.0));
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.done);
                bar.set_message(text());
            }
            None if self.told.elapsed() >= INTERVAL => {
                terminal::message(&text());
                self.told = Instant::now();
            }
            None => {}
        }
    }

    /// Clears the bar; how long it took.
    pub(super) fn finish(self) -> Duration {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        self.start.elapsed()
    }
}

fn bar(size: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("[{bar:30}] {msg}").expect("a valid template");
    ProgressBar::new(size).with_style(style.progress_chars("=> "))
}

/// `120000 rows committed, 61000 rows/s, 43 %, 2 s left`
fn line(rows: u64, verb: &str, elapsed: Duration, share: f64) -> String {
    let mut text = format!(
        "{rows} rows {verb}, {} rows/s, {:.0} %",
        per_second(rows, elapsed),
        share * 100.0
    );
    if share > 0.0 {
        let left = elapsed.mul_f64((1.0 / share - 1.0).max(0.0));
        text += &format!(", {} left", human(left));
    }
    text
}

/// A rate, in whole rows.
pub(super) fn per_second(rows: u64, elapsed: Duration) -> u64 {
    (rows as f64 / elapsed.as_secs_f64().max(0.001)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_rows_rate_share_and_what_is_left() {
        let two = Duration::from_secs(2);
        assert_eq!(
            line(120_000, "committed", two, 0.4),
            "120000 rows committed, 60000 rows/s, 40 %, 3.0 s left"
        );
        assert_eq!(
            line(0, "written", two, 0.0),
            "0 rows written, 0 rows/s, 0 %"
        );
        assert_eq!(
            line(1, "committed", two, 1.0),
            "1 rows committed, 0 rows/s, 100 %, 0 ms left"
        );
    }
}
