//! What becomes of an import's rows, as it becomes known.

use super::{rejects::Rejects, report::Report, source::Row};
use crate::client::{Completion, error::Error, progress::Progress};

/// Keeps count, shows progress and writes down rejected rows.
pub(super) struct Journal {
    rejects: Rejects,
    progress: Progress,
    committed: u64,
    /// Rows that were no items and were not sent.
    unreadable: u64,
}

impl Journal {
    pub(super) fn new(rejects: Rejects, size: u64) -> Self {
        Self {
            rejects,
            progress: Progress::new(size, "committed"),
            committed: 0,
            unreadable: 0,
        }
    }

    /// The service refused a row.
    pub(super) fn reject(&mut self, row: &Row, reason: &str) -> Result<(), Error> {
        self.rejects.add(row, reason)
    }

    /// Rows that cannot be sent.
    pub(super) fn unreadable(&mut self, rows: &[(Row, String)]) -> Result<(), Error> {
        for (row, reason) in rows {
            self.rejects.add(row, reason)?;
            self.unreadable += 1;
            self.progress.advance(row.bytes, self.committed);
        }
        Ok(())
    }

    /// So many rows are committed by now; rows of so many bytes were answered for just now.
    pub(super) fn answered(&mut self, committed: u64, bytes: u64) {
        self.committed = committed;
        self.progress.advance(bytes, committed);
    }

    pub(super) fn committed(&self) -> u64 {
        self.committed
    }

    /// Ends the import, however it went.
    pub(super) fn finish(self) -> Result<(Report, Completion), Error> {
        let took = self.progress.finish();
        let outcome = match self.rejects.count() {
            0 => Completion::Complete,
            _ => Completion::SomeRejected,
        };
        let rejects = self.rejects.finish()?;
        Ok((Report::new(took, self.unreadable, rejects), outcome))
    }
}
