//! The state of an upload across connections: rows in flight, and what is sent again when the
//! connection breaks.

use std::collections::{BTreeMap, VecDeque};

use tokio::sync::mpsc;

use super::{
    super::{
        batches::ImportBatch,
        columns::CsvRow,
        report::{ImportCounts, ImportReport},
    },
    MAX_IN_FLIGHT, UploadEvent, UploadItem,
};
use crate::client::error::Error;

pub(super) struct UploadSession<'a, T: UploadItem> {
    import_id: String,
    /// The current stream, if one is open.
    requests: Option<mpsc::Sender<T::Request>>,
    pending: PendingRows,
    report: &'a mut ImportReport,
    /// Chunks in flight, each with the index of its first item.
    unanswered: VecDeque<(u64, Vec<T>)>,
    /// Whether the service has reported the progress of earlier streams.
    is_ready: bool,
    /// Items committed by an earlier run. Their rows are read and not sent.
    resumed_at: u64,
    /// Rejections of an earlier run by index, until their rows are read.
    earlier_rejections: BTreeMap<u64, String>,
    /// The number of items whose results are known.
    known_count: u64,
    /// Whether all rows were read.
    is_complete: bool,
}

impl<'a, T: UploadItem> UploadSession<'a, T> {
    pub(super) fn new(import_id: String, report: &'a mut ImportReport) -> Self {
        Self {
            import_id,
            requests: None,
            pending: PendingRows::default(),
            report,
            unanswered: VecDeque::new(),
            is_ready: false,
            resumed_at: 0,
            earlier_rejections: BTreeMap::new(),
            known_count: 0,
            is_complete: false,
        }
    }

    /// Starts or continues the import on a new stream.
    pub(super) fn open(&mut self, requests: mpsc::Sender<T::Request>) {
        self.requests = Some(requests);
        self.is_ready = false;
        self.send(T::start(self.import_id.clone(), self.known_count));
    }

    /// Whether another chunk may be sent.
    pub(super) fn has_capacity(&self) -> bool {
        self.is_ready && !self.is_complete && self.pending.chunks() < MAX_IN_FLIGHT
    }

    pub(super) fn known_count(&self) -> u64 {
        self.known_count
    }

    /// The progress, for messages.
    pub(super) fn position(&self) -> String {
        format!("{} rows", self.known_count)
    }

    /// Sending fails only if the connection has ended. Then the stream of responses ends too.
    fn send(&mut self, request: T::Request) {
        if let Some(requests) = &self.requests {
            let _ = requests.try_send(request);
        }
    }

    /// Sends a batch, without the items that an earlier run committed.
    pub(super) fn chunk(&mut self, batch: ImportBatch<T>) -> Result<(), Error> {
        self.report.unreadable(&batch.unreadable)?;
        if batch.items.is_empty() {
            return Ok(());
        }
        let first = self.pending.total();
        self.pending.push(batch.rows);
        self.unanswered.push_back((first, batch.items));
        if first < self.resumed_at {
            self.skip()?;
        }
        if let Some((_, items)) = self.unanswered.back() {
            self.send(T::chunk(items.clone()));
        }
        Ok(())
    }

    /// Acknowledges rows that an earlier run committed.
    fn skip(&mut self) -> Result<(), Error> {
        let end = self.resumed_at.min(self.pending.total());
        let later = self.earlier_rejections.split_off(&end);
        for (index, reason) in std::mem::replace(&mut self.earlier_rejections, later) {
            let row = self
                .pending
                .row(index)
                .ok_or_else(|| unexpected_index(index))?;
            self.report.reject(row, &reason)?;
        }
        self.acknowledge(end, None)
    }

    /// Tells the service that all rows were sent.
    pub(super) fn finish(&mut self) {
        self.is_complete = true;
        self.send(T::finish());
    }

    /// Handles a message of the service. Returns the counts of the summary.
    pub(super) fn handle(
        &mut self,
        event: Option<UploadEvent>,
    ) -> Result<Option<ImportCounts>, Error> {
        match event {
            None => Ok(None),
            Some(UploadEvent::Rejection(index, reason)) => {
                self.reject(index, reason)?;
                Ok(None)
            }
            Some(UploadEvent::Progress(processed, counts)) if self.is_ready => {
                self.acknowledge(processed, Some(&counts))?;
                Ok(None)
            }
            Some(UploadEvent::Progress(processed, counts)) => {
                self.resume(processed, &counts)?;
                Ok(None)
            }
            Some(UploadEvent::Summary(processed, counts)) => {
                self.acknowledge(processed, Some(&counts))?;
                match self.is_complete && processed == self.pending.total() {
                    true => Ok(Some(counts)),
                    false => Err(unexpected_index(processed)),
                }
            }
        }
    }

    /// The service has answered the start message. What it has not committed is sent again.
    fn resume(&mut self, processed: u64, counts: &ImportCounts) -> Result<(), Error> {
        self.is_ready = true;
        self.resumed_at = processed;
        self.acknowledge(processed.min(self.pending.total()), Some(counts))?;
        let chunks: Vec<_> = self
            .unanswered
            .iter()
            .map(|(_, items)| items.clone())
            .collect();
        chunks
            .into_iter()
            .for_each(|items| self.send(T::chunk(items)));
        if self.is_complete {
            self.send(T::finish());
        }
        Ok(())
    }

    fn reject(&mut self, index: u64, reason: String) -> Result<(), Error> {
        match self.pending.row(index) {
            Some(row) => self.report.reject(row, &reason)?,
            None if !self.is_ready && index >= self.pending.total() => {
                self.earlier_rejections.insert(index, reason);
            }
            None => return Err(unexpected_index(index)),
        }
        self.known_count = self.known_count.max(index + 1);
        Ok(())
    }

    /// All items before this index are committed or rejected.
    fn acknowledge(&mut self, processed: u64, counts: Option<&ImportCounts>) -> Result<(), Error> {
        let bytes = self.pending.acknowledge(processed);
        let bytes = bytes.ok_or_else(|| unexpected_index(processed))?;
        while let Some((first, items)) = self.unanswered.front_mut() {
            let done = usize::try_from(processed.saturating_sub(*first)).unwrap_or(usize::MAX);
            if done < items.len() {
                items.drain(..done);
                *first += done as u64;
                break;
            }
            self.unanswered.pop_front();
        }
        self.known_count = self.known_count.max(processed);
        let committed = counts.map_or(self.report.committed(), ImportCounts::committed);
        self.report.acknowledge(committed, bytes);
        Ok(())
    }
}

fn unexpected_index(index: u64) -> Error {
    Error::Protocol(format!(
        "it acknowledged item {index}, which is not in flight"
    ))
}

/// The rows in flight, by their index in the import. Acknowledged rows are dropped, so its size
/// does not grow with the import.
#[derive(Debug, Default)]
struct PendingRows {
    rows: VecDeque<CsvRow>,
    /// The index of the first row held, which is the number of acknowledged rows.
    first: u64,
    /// The end of each chunk in flight.
    ends: VecDeque<u64>,
}

impl PendingRows {
    fn push(&mut self, rows: Vec<CsvRow>) {
        self.rows.extend(rows);
        self.ends.push_back(self.first + self.rows.len() as u64);
    }

    fn chunks(&self) -> usize {
        self.ends.len()
    }

    /// The row at an index, if it is in flight.
    fn row(&self, index: u64) -> Option<&CsvRow> {
        let offset = index.checked_sub(self.first)?;
        self.rows.get(usize::try_from(offset).ok()?)
    }

    /// Drops the rows before this index and returns their size in the file. None if they were not
    /// sent.
    fn acknowledge(&mut self, end: u64) -> Option<u64> {
        let count = usize::try_from(end.saturating_sub(self.first)).ok()?;
        if count > self.rows.len() {
            return None;
        }
        self.first += count as u64;
        while self.ends.front().is_some_and(|end| *end <= self.first) {
            self.ends.pop_front();
        }
        Some(self.rows.drain(..count).map(|row| row.bytes).sum())
    }

    /// The number of rows sent.
    fn total(&self) -> u64 {
        self.first + self.rows.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: std::ops::Range<u64>) -> Vec<CsvRow> {
        let record = csv::ByteRecord::new();
        lines
            .map(|line| CsvRow {
                line,
                bytes: 10,
                record: record.clone(),
                problem: None,
            })
            .collect()
    }

    #[test]
    fn rows_are_held_until_they_are_acknowledged() {
        let mut pending = PendingRows::default();
        pending.push(rows(2..5));
        pending.push(rows(5..7));
        assert_eq!(
            (pending.chunks(), pending.row(4).map(|it| it.line)),
            (2, Some(6))
        );
        assert_eq!((pending.acknowledge(4), pending.chunks()), (Some(40), 1));
        assert!(pending.row(3).is_none() && pending.row(5).is_none());
        assert_eq!(
            (pending.acknowledge(4), pending.acknowledge(6)),
            (Some(0), None)
        );
        assert_eq!(
            (pending.acknowledge(5), pending.chunks(), pending.total()),
            (Some(10), 0, 5)
        );
    }
}
