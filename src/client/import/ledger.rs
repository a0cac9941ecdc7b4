//! Which rows are on their way: sent, and not yet answered for.

use std::collections::VecDeque;

use super::source::Row;

/// Rows by their place in the import. It holds those not answered for and no others, so it is
/// as large as what is in flight, however long the import.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    rows: VecDeque<Row>,
    /// The place of the first row held: how many are answered for.
    first: u64,
    /// Where each chunk in flight ends.
    ends: VecDeque<u64>,
}

impl Ledger {
    /// A chunk was sent.
    pub(super) fn sent(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
        self.ends.push_back(self.first + self.rows.len() as u64);
    }

    /// How many chunks are in flight.
    pub(super) fn chunks(&self) -> usize {
        self.ends.len()
    }

    /// The row at a place, if it is in flight.
    pub(super) fn row(&self, index: u64) -> Option<&Row> {
        let place = index.checked_sub(self.first)?;
        self.rows.get(usize::try_from(place).ok()?)
    }

    /// All rows before this place are answered for: how many bytes of the file they were. None
    /// if they were never sent.
    pub(super) fn answered(&mut self, count: u64) -> Option<u64> {
        let fresh = usize::try_from(count.saturating_sub(self.first)).ok()?;
        if fresh > self.rows.len() {
            return None;
        }
        self.first += fresh as u64;
        while self.ends.front().is_some_and(|end| *end <= self.first) {
            self.ends.pop_front();
        }
        Some(self.rows.drain(..fresh).map(|row| row.bytes).sum())
    }

    /// How many rows were sent so far.
    pub(super) fn total(&self) -> u64 {
        self.first + self.rows.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: std::ops::Range<u64>) -> Vec<Row> {
        let record = csv::ByteRecord::new();
        lines
            .map(|line| Row {
                line,
                bytes: 10,
                record: record.clone(),
            })
            .collect()
    }

    #[test]
    fn rows_are_known_by_place_until_they_are_answered_for() {
        let mut ledger = Ledger::default();
        ledger.sent(rows(2..5));
        ledger.sent(rows(5..7));
        assert_eq!(
            (ledger.chunks(), ledger.row(4).map(|it| it.line)),
            (2, Some(6))
        );
        assert_eq!((ledger.answered(4), ledger.chunks()), (Some(40), 1));
        assert!(ledger.row(3).is_none() && ledger.row(5).is_none());
        assert_eq!((ledger.answered(4), ledger.answered(6)), (Some(0), None));
        assert_eq!(
            (ledger.answered(5), ledger.chunks(), ledger.total()),
            (Some(10), 0, 5)
        );
    }
}
