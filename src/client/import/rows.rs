//! Reads a table's rows on a thread of its own, into batches to be sent.

use tokio::sync::mpsc;

use super::{
    items::Item,
    source::{Row, Table},
};
use crate::client::error::Error;

/// Batches read ahead of the connection.
const BATCHES_AHEAD: usize = 2;
/// A batch's items encode to at most this, far below the 4 MiB that a gRPC server takes as one
/// message. A row that is larger by itself is not sent at all.
const BATCH_BYTES: usize = 1 << 20;

/// Rows that are sent together, and those among them that cannot be.
pub(super) struct Batch<T> {
    pub(super) items: Vec<T>,
    /// The rows of the items, in the same order.
    pub(super) rows: Vec<Row>,
    /// Rows that are no items, with the reason.
    pub(super) unreadable: Vec<(Row, String)>,
    bytes: usize,
}

/// Starts to read: batches of at most `limit` rows. It stops when the receiver is dropped.
pub(super) fn read<T: Item>(table: Table, limit: usize) -> mpsc::Receiver<Result<Batch<T>, Error>> {
    let (batches, receiver) = mpsc::channel(BATCHES_AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut batcher = Batcher {
            batch: Batch::default(),
            limit,
            batches,
        };
        if let Err(Stop::Failed(error)) = batcher.run(&table) {
            let _ = batcher.batches.blocking_send(Err(error));
        }
    });
    receiver
}

/// Why reading ended early.
enum Stop {
    /// Nobody takes batches any more.
    Unwanted,
    /// The file could not be read.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

struct Batcher<T> {
    batch: Batch<T>,
    limit: usize,
    batches: mpsc::Sender<Result<Batch<T>, Error>>,
}

impl<T: Item> Batcher<T> {
    fn run(&mut self, table: &Table) -> Result<(), Stop> {
        for pass in 0..T::PASSES {
            if !self.pass(table, pass)? {
                break;
            }
        }
        self.flush()
    }

    /// Reads the whole file once; whether it has items that are left for a later pass.
    fn pass(&mut self, table: &Table, pass: usize) -> Result<bool, Stop> {
        let columns = table.columns();
        let mut rows = table.rows()?;
        let mut later = false;
        while let Some(row) = rows.next()? {
            match columns.fields(&row.record).and_then(|it| T::read(&it)) {
                Ok(item) if item.pass() == pass => self.item(item, row)?,
                Ok(item) => later |= item.pass() > pass,
                Err(reason) if pass == 0 => self.unreadable(row, reason)?,
                Err(_) => {}
            }
        }
        Ok(later)
    }

    fn item(&mut self, item: T, row: Row) -> Result<(), Stop> {
        let bytes = item.encoded_len();
        if bytes > BATCH_BYTES {
            return self.unreadable(row, "the row is larger than 1 MiB".to_owned());
        }
        if self.batch.bytes + bytes > BATCH_BYTES {
            self.flush()?;
        }
        self.batch.bytes += bytes;
        self.batch.items.push(item);
        self.batch.rows.push(row);
        self.flush_if_full()
    }

    fn unreadable(&mut self, row: Row, reason: String) -> Result<(), Stop> {
        self.batch.unreadable.push((row, reason));
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> Result<(), Stop> {
        match self.batch.rows.len() + self.batch.unreadable.len() >= self.limit {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), Stop> {
        let batch = std::mem::take(&mut self.batch);
        self.batches
            .blocking_send(Ok(batch))
            .map_err(|_| Stop::Unwanted)
    }
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            rows: Vec::new(),
            unreadable: Vec::new(),
            bytes: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::pb::Contact;

    /// The lines of each batch's items and of its unreadable rows.
    async fn batches(text: &str, limit: usize) -> Vec<(Vec<u64>, Vec<u64>)> {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("room for it");
        let table = Table::open(file.path(), b',', Contact::COLUMNS).expect("fits");
        let mut receiver = read::<Contact>(table, limit);
        let mut seen = Vec::new();
        while let Some(batch) = receiver.recv().await {
            let batch = batch.expect("readable");
            let lines = batch.rows.iter().map(|it| it.line).collect();
            seen.push((lines, batch.unreadable.iter().map(|it| it.0.line).collect()));
        }
        seen
    }

    #[tokio::test]
    async fn companies_come_first_and_wrong_rows_once() {
        let text = "\u{feff}id,kind,name\r\nP1,PERSON,A\r\nC1,COMPANY,B\r\nx,FIRM,C\r\nP2\r\nP3,person,D\r\n";
        let seen = batches(text, 10).await;
        assert_eq!(seen, [(vec![3, 2, 6], vec![4, 5])]);
    }

    #[tokio::test]
    async fn batches_are_cut_by_rows_and_by_bytes() {
        let seen = batches("id,kind,name\n1,COMPANY,a\n2,COMPANY,b\n3,COMPANY,c\n", 2).await;
        assert_eq!(seen, [(vec![2, 3], vec![]), (vec![4], vec![])]);
        let (long, huge) = ("x".repeat(700_000), "y".repeat(1 << 20));
        let text = format!("id,kind,name\n1,COMPANY,{long}\n2,COMPANY,{long}\n3,COMPANY,{huge}\n");
        let seen = batches(&text, 10).await;
        assert_eq!(seen, [(vec![2], vec![]), (vec![3], vec![4])]);
    }
}
