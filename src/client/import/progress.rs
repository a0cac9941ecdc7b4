//! How far an import has come: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::client::duration::human;
use crate::client::terminal;

/// Plain lines come no more often than this.
const INTERVAL: Duration = Duration::from_secs(1);

/// How far an import has come, by the bytes of the rows that are answered for.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    start: Instant,
    told: Instant,
    size: u64,
    bytes: u64,
}

impl Progress {
    pub(super) fn new(size: u64) -> Self {
        let now = Instant::now();
        Self {
            bar: stderr().is_terminal().then(|| bar(size)),
            start: now,
            told: now,
            size,
            bytes: 0,
        }
    }

    /// Rows of so many bytes are answered for; so many rows are committed by now.
    pub(super) fn advance(&mut self, bytes: u64, committed: u64) {
        self.bytes += bytes;
        let text = || line(committed, self.start.elapsed(), self.bytes, self.size);
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.bytes);
                bar.set_message(text());
            }
            None if self.told.elapsed() >= INTERVAL => {
                terminal::note(&text());
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
fn line(rows: u64, elapsed: Duration, bytes: u64, size: u64) -> String {
    let done = bytes as f64 / size.max(1) as f64;
    let mut text = format!(
        "{rows} rows committed, {} rows/s, {:.0} %",
        per_second(rows, elapsed),
        done * 100.0
    );
    if bytes > 0 {
        let left = elapsed.mul_f64((1.0 / done - 1.0).max(0.0));
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
            line(120_000, two, 400, 1_000),
            "120000 rows committed, 60000 rows/s, 40 %, 3.0 s left"
        );
        assert_eq!(line(0, two, 0, 1_000), "0 rows committed, 0 rows/s, 0 %");
        assert_eq!(
            line(1, two, 9, 9),
            "1 rows committed, 0 rows/s, 100 %, 0 ms left"
        );
    }
}
