//! The items that are sent and not acknowledged, with their rows.

use std::{collections::VecDeque, iter::once, ops::Range};

use crate::client::import::columns::CsvRow;

/// The items in flight, by their index in the import. Acknowledged items are dropped, so its size
/// does not grow with the import.
pub(super) struct InFlight<T> {
    items: VecDeque<(T, CsvRow)>,
    /// The index of the first item held, which is the number of acknowledged items.
    first: u64,
    /// The end of each chunk.
    ends: VecDeque<u64>,
}

impl<T: Clone> InFlight<T> {
    pub(super) fn new() -> Self {
        Self {
            items: VecDeque::new(),
            first: 0,
            ends: VecDeque::new(),
        }
    }

    /// Adds a chunk, unless it is empty.
    pub(super) fn push(&mut self, items: Vec<T>, rows: Vec<CsvRow>) {
        if !items.is_empty() {
            self.items.extend(items.into_iter().zip(rows));
            self.ends.push_back(self.total());
        }
    }

    /// The number of items that were acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.first
    }

    /// The number of items sent.
    pub(super) fn total(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    pub(super) fn chunk_count(&self) -> usize {
        self.ends.len()
    }

    /// The chunks, without the items that were acknowledged.
    pub(super) fn chunks(&self) -> impl Iterator<Item = Range<u64>> {
        let starts = once(self.first).chain(self.ends.iter().copied());
        self.ends.iter().zip(starts).map(|(end, start)| start..*end)
    }

    pub(super) fn items(&self, chunk: Range<u64>) -> Vec<T> {
        let [start, end] = [chunk.start, chunk.end].map(|it| (it - self.first) as usize);
        let items = self.items.range(start..end);
        items.map(|(item, _)| item.clone()).collect()
    }

    /// The row at an index, if it is in flight.
    pub(super) fn row(&self, index: u64) -> Option<&CsvRow> {
        self.at(index).map(|(_, row)| row)
    }

    /// The item at an index, if it is in flight.
    pub(super) fn item(&self, index: u64) -> Option<&T> {
        self.at(index).map(|(item, _)| item)
    }

    fn at(&self, index: u64) -> Option<&(T, CsvRow)> {
        let offset = index.checked_sub(self.first)?;
        self.items.get(offset as usize)
    }

    /// Drops the items before this index and returns the size of their rows in the file. None if
    /// they were not sent.
    pub(super) fn acknowledge(&mut self, end: u64) -> Option<u64> {
        let count = end.saturating_sub(self.first) as usize;
        if count > self.items.len() {
            return None;
        }
        self.first += count as u64;
        while self.ends.front().is_some_and(|end| *end <= self.first) {
            self.ends.pop_front();
        }
        Some(self.items.drain(..count).map(|(_, row)| row.bytes).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(in_flight: &mut InFlight<char>, items: &str) {
        let row = |item: char| CsvRow {
            file: 0,
            line: u64::from(item),
            bytes: 10,
            record: csv::ByteRecord::new(),
            problem: None,
        };
        in_flight.push(items.chars().collect(), items.chars().map(row).collect());
    }

    #[test]
    fn items_are_held_until_they_are_acknowledged() {
        let mut in_flight = InFlight::new();
        push(&mut in_flight, "abc");
        push(&mut in_flight, "");
        push(&mut in_flight, "de");
        let line = |it: &CsvRow| char::from_u32(it.line as u32);
        assert_eq!(in_flight.row(4).and_then(line), Some('e'));
        assert_eq!(in_flight.chunks().collect::<Vec<_>>(), [0..3, 3..5]);
        assert_eq!(in_flight.acknowledge(2), Some(20));
        assert_eq!(in_flight.chunks().collect::<Vec<_>>(), [2..3, 3..5]);
        assert_eq!(in_flight.items(3..5), ['d', 'e']);
        assert_eq!(
            (in_flight.acknowledge(4), in_flight.chunk_count()),
            (Some(20), 1)
        );
        assert!(in_flight.row(3).is_none() && in_flight.row(5).is_none());
        assert_eq!(
            (in_flight.acknowledge(4), in_flight.acknowledge(6)),
            (Some(0), None)
        );
        assert_eq!((in_flight.acknowledge(5), in_flight.total()), (Some(10), 5));
        assert_eq!(in_flight.chunk_count(), 0);
    }
}
