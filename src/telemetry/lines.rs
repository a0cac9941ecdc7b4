//! Bounds the lines that many events may cause: for each kind one a second, which says how many were left
//! out before it.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use metrics::Counter;

use crate::metrics::LOG_LINES_LEFT_OUT;

/// The time that one line stands for.
const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// From so many kinds on, those are forgotten that had no line for that time.
const MAX_KINDS: usize = 1_000;

static LINES: LazyLock<Mutex<Lines>> = LazyLock::new(Mutex::default);

static LEFT_OUT: LazyLock<Counter> = LazyLock::new(|| LOG_LINES_LEFT_OUT.counter(&[]));

/// A line that is due.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DueLine {
    /// How many of its kind were left out before it, if any.
    pub(crate) left_out: Option<u64>,
}

/// Whether a line is due for an event of this kind. `detail` tells kinds of one name apart.
pub(crate) fn due_line(name: &str, detail: i32) -> Option<DueLine> {
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let due = lines.due(name, detail, Instant::now());
    if due.is_none() {
        LEFT_OUT.increment(1);
    }
    due
}

/// When the last line of each kind was written, and how many were left out since.
#[derive(Default)]
struct Lines(HashMap<(Box<str>, i32), (Instant, u64)>);

impl Lines {
    fn due(&mut self, name: &str, detail: i32, now: Instant) -> Option<DueLine> {
        let key = (Box::from(name), detail);
        let Some((last, left_out)) = self.0.get_mut(&key) else {
            if self.0.len() >= MAX_KINDS {
                self.0
                    .retain(|_, (last, _)| now.duration_since(*last) < LINE_INTERVAL);
            }
            self.0.insert(key, (now, 0));
            return Some(DueLine { left_out: None });
        };
        if now.duration_since(*last) < LINE_INTERVAL {
            *left_out += 1;
            return None;
        }
        *last = now;
        let left_out = std::mem::take(left_out);
        Some(DueLine {
            left_out: (left_out > 0).then_some(left_out),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_stands_for_all() {
        let (mut lines, start) = (Lines::default(), Instant::now());
        let mut due = |name, detail, milliseconds| {
            let due = lines.due(name, detail, start + Duration::from_millis(milliseconds));
            due.map(|it| it.left_out)
        };
        assert_eq!(due("a", 14, 0), Some(None));
        for milliseconds in 1..1_000 {
            assert_eq!(due("a", 14, milliseconds), None);
        }
        assert_eq!(due("a", 13, 5), Some(None), "another code");
        assert_eq!(due("b", 14, 5), Some(None), "another method");
        assert_eq!(due("a", 14, 1_000), Some(Some(999)));
        assert_eq!(due("a", 14, 2_000), Some(None));
    }

    #[test]
    fn old_kinds_are_forgotten() {
        let (mut lines, start) = (Lines::default(), Instant::now());
        for detail in 0..10_000_i32 {
            let milliseconds = u64::from(detail.unsigned_abs()) * 10;
            let now = start + Duration::from_millis(milliseconds);
            assert!(lines.due("a", detail, now).is_some());
            assert!(lines.0.len() <= MAX_KINDS, "{}", lines.0.len());
        }
    }
}
