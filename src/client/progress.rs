//! The progress of an import or an export: a bar on a terminal, plain lines elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::terminal;
use crate::duration::human;

/// Plain lines come no more often than this.
const INTERVAL: Duration = Duration::from_secs(1);

/// Progress towards a size that is known beforehand: of an import the bytes of the committed
/// rows, of what is read the contacts.
pub(super) struct Progress {
    bar: ProgressBar,
    /// What happens to the rows.
    verb: &'static str,
    last_line: Instant,
}

impl Progress {
    pub(super) fn new(size: u64, verb: &'static str) -> Self {
        let template = "[{bar:30}] {msg}, {percent} %, {eta} left";
        let style = ProgressStyle::with_template(template).expect("a valid template");
        Self {
            bar: ProgressBar::new(size).with_style(style.progress_chars("=> ")),
            verb,
            last_line: Instant::now(),
        }
    }

    /// `more` of the size is done, which makes `rows` rows in all.
    pub(super) fn advance(&mut self, more: u64, rows: u64) {
        self.bar.inc(more);
        if !self.bar.is_hidden() {
            self.bar.set_message(self.rows(rows));
        } else if self.last_line.elapsed() >= INTERVAL {
            terminal::message(&self.line(rows));
            self.last_line = Instant::now();
        }
    }

    /// Clears the bar and returns how long it took.
    pub(super) fn finish(self) -> Duration {
        self.bar.finish_and_clear();
        self.bar.elapsed()
    }

    /// `120000 rows committed, 61000 rows/s`
    fn rows(&self, rows: u64) -> String {
        let rate = per_second(rows, self.bar.elapsed());
        format!("{rows} rows {}, {rate} rows/s", self.verb)
    }

    /// `120000 rows committed, 61000 rows/s, 43 %, 2 s left`
    fn line(&self, rows: u64) -> String {
        let size = self.bar.length().unwrap_or_default().max(1);
        let percent = (self.bar.position() * 100 / size).min(100);
        let line = format!("{}, {percent} %", self.rows(rows));
        match self.bar.position() {
            // Without a rate the bar estimates 0 s.
            0 => line,
            _ => format!("{line}, {} left", human(self.bar.eta())),
        }
    }
}

/// A rate, in whole rows.
pub(super) fn per_second(rows: u64, elapsed: Duration) -> u64 {
    (rows as f64 / elapsed.as_secs_f64().max(0.001)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_rows_rate_share_and_the_time_left() {
        let mut progress = Progress::new(1_000, "committed");
        progress.bar = progress.bar.with_elapsed(Duration::from_secs(2));
        assert_eq!(progress.line(0), "0 rows committed, 0 rows/s, 0 %");
        progress.advance(400, 120_000);
        let line = progress.line(120_000);
        assert!(line.starts_with("120000 rows committed, 5"), "{line}");
        assert!(line.contains(" rows/s, 40 %, "), "{line}");
        assert!(line.ends_with(" left"), "{line}");
        progress.advance(700, 130_000);
        assert!(progress.line(130_000).contains(", 100 %, "));
    }
}
