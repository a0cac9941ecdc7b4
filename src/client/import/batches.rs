//! Reads the rows of a file on a blocking thread, into batches to be sent.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::mpsc;

use super::{
    columns::{CsvColumns, CsvRow},
    csv_file::CsvFile,
    duplicates::Duplicates,
    items::ImportItem,
};
use crate::client::error::Error;

/// Batches read ahead of the connection.
const BATCHES_AHEAD: usize = 2;
/// The encoded size of a batch of more than one row, far below the 4 MiB that a gRPC server accepts
/// as one message.
const BATCH_BYTES: usize = 1 << 20;

/// Makes items of the rows of a file.
pub(super) trait RowReader<T>: Send + Sync {
    /// The items of a row, or why it cannot be read.
    fn items(&self, row: &CsvRow) -> Result<Vec<T>, String>;
}

/// A row in the columns of the item.
impl<T: ImportItem> RowReader<T> for CsvColumns {
    fn items(&self, row: &CsvRow) -> Result<Vec<T>, String> {
        Ok(vec![T::read(&self.fields(row)?)?])
    }
}

/// Where items come from.
pub(super) enum ItemSource<T> {
    File(Arc<CsvFile>, Arc<dyn RowReader<T>>),
    /// Items with the rows that they are made of.
    Ready(Vec<(T, CsvRow)>),
}

/// Rows that are sent together, and rows among them that cannot be sent.
pub(in crate::client) struct ImportBatch<T> {
    pub(in crate::client) items: Vec<T>,
    /// The rows of the items, in the same order.
    pub(in crate::client) rows: Vec<CsvRow>,
    /// Rows that are not items, with the reason.
    pub(in crate::client) unreadable: Vec<(CsvRow, String)>,
    /// The sizes of rows that are not sent, because a later row of their key was sent before.
    pub(super) superseded: Vec<u64>,
    /// The size of rows without items.
    pub(super) skipped: u64,
    /// What the report says about duplicates.
    pub(super) note: Option<String>,
    bytes: usize,
}

/// Starts reading: batches of at most `limit` rows. It stops when the receiver is dropped.
pub(super) fn read<T: ImportItem>(
    sources: Vec<ItemSource<T>>,
    limit: usize,
) -> mpsc::Receiver<Result<ImportBatch<T>, Error>> {
    let (batches, receiver) = mpsc::channel(BATCHES_AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut batcher = BatchReader {
            batch: ImportBatch::default(),
            duplicates: Duplicates::default(),
            number: 0,
            limit,
            batches,
        };
        if let Err(ReadEnd::Failed(error)) = batcher.run(&sources) {
            let _ = batcher.batches.blocking_send(Err(error));
        }
    });
    receiver
}

/// Why reading ended early.
enum ReadEnd {
    /// The receiver was dropped.
    Cancelled,
    Failed(Error),
}

impl From<Error> for ReadEnd {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

struct BatchReader<T> {
    batch: ImportBatch<T>,
    duplicates: Duplicates,
    /// That of the next item, in each pass.
    number: u32,
    limit: usize,
    batches: mpsc::Sender<Result<ImportBatch<T>, Error>>,
}

impl<T: ImportItem> BatchReader<T> {
    fn run(&mut self, sources: &[ItemSource<T>]) -> Result<(), ReadEnd> {
        for pass in 0..T::PASSES {
            let mut later = false;
            self.number = 0;
            for source in sources {
                later |= match source {
                    ItemSource::File(file, reader) => self.file(file, reader.as_ref(), pass)?,
                    ItemSource::Ready(items) => self.ready(items, pass)?,
                };
            }
            if !later {
                break;
            }
        }
        self.batch.note = self.duplicates.note::<T>(&names(sources));
        self.flush()
    }

    /// Reads a file once. Returns whether it has items for a later pass.
    fn file(
        &mut self,
        file: &CsvFile,
        reader: &dyn RowReader<T>,
        pass: usize,
    ) -> Result<bool, ReadEnd> {
        let mut rows = file.rows()?;
        let mut later = false;
        while let Some(row) = rows.next()? {
            match reader.items(&row) {
                Ok(items) => later |= self.items(items, row, pass)?,
                Err(reason) if pass == 0 => self.unreadable(row, reason)?,
                Err(_) => {}
            }
        }
        Ok(later)
    }

    fn ready(&mut self, items: &[(T, CsvRow)], pass: usize) -> Result<bool, ReadEnd> {
        let mut later = false;
        for (item, row) in items {
            later |= self.items(vec![item.clone()], row.clone(), pass)?;
        }
        Ok(later)
    }

    /// The items of a row; the last one has its size. Returns whether one is of a later pass.
    fn items(&mut self, items: Vec<T>, row: CsvRow, pass: usize) -> Result<bool, ReadEnd> {
        let (mut later, count) = (false, items.len());
        if count == 0 && pass == 0 {
            self.batch.skipped += row.bytes;
        }
        let rows = std::iter::repeat_n(row, count);
        for ((item, mut row), number) in items.into_iter().zip(rows).zip(1..) {
            if number < count {
                row.bytes = 0;
            }
            if pass == 0 {
                self.duplicates.add(&item, &row, self.number);
            }
            let is_superseded = pass > 0 && self.duplicates.is_superseded(&item, self.number);
            self.number = self.number.saturating_add(1);
            later |= item.pass() > pass;
            if item.pass() == pass {
                match is_superseded {
                    true => self.batch.superseded.push(row.bytes),
                    false => self.item(item, row)?,
                }
            }
        }
        Ok(later)
    }

    fn item(&mut self, item: T, row: CsvRow) -> Result<(), ReadEnd> {
        let bytes = item.encoded_len();
        if self.batch.bytes > 0 && self.batch.bytes + bytes > BATCH_BYTES {
            self.flush()?;
        }
        self.batch.bytes += bytes;
        self.batch.items.push(item);
        self.batch.rows.push(row);
        self.flush_if_full()
    }

    fn unreadable(&mut self, row: CsvRow, reason: String) -> Result<(), ReadEnd> {
        self.batch.unreadable.push((row, reason));
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> Result<(), ReadEnd> {
        match self.batch.rows.len() + self.batch.unreadable.len() >= self.limit {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), ReadEnd> {
        let batch = std::mem::take(&mut self.batch);
        self.batches
            .blocking_send(Ok(batch))
            .map_err(|_| ReadEnd::Cancelled)
    }
}

/// The names of the files, by their indexes.
fn names<T>(sources: &[ItemSource<T>]) -> HashMap<usize, &str> {
    let named = sources.iter().filter_map(|it| match it {
        ItemSource::File(file, _) => Some((file.index(), file.name())),
        ItemSource::Ready(_) => None,
    });
    named.collect()
}

impl<T> Default for ImportBatch<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            rows: Vec::new(),
            unreadable: Vec::new(),
            superseded: Vec::new(),
            skipped: 0,
            note: None,
            bytes: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{super::csv_file::CsvFormat, *};
    use crate::pb::Contact;

    /// The lines of each batch's items and of its unreadable rows.
    async fn batches(text: &str, limit: usize) -> Vec<(Vec<u64>, Vec<u64>)> {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("room for it");
        let format = CsvFormat {
            delimiter: None,
            encoding: None,
        };
        let file = CsvFile::open(file.path(), format, Contact::COLUMNS).expect("fits");
        let columns = file.columns();
        let source = ItemSource::File(Arc::new(file), columns);
        let mut receiver = read::<Contact>(vec![source], limit);
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
    async fn the_last_row_of_an_id_counts_whatever_its_kind() {
        let text = "id,kind,name\nX,PERSON,A\nX,COMPANY,B\nY,COMPANY,C\nY,PERSON,D\nY,PERSON,D\n";
        let seen = batches(text, 10).await;
        assert_eq!(seen, [(vec![3, 4, 5, 6], vec![])]);
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
