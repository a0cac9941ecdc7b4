//! The streaming imports: a bounded number of chunks is in flight. When the connection breaks, the
//! import continues after the last committed item.

mod in_flight;
mod messages;

use std::collections::BTreeMap;

use prost_types::FieldMask;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use self::in_flight::InFlight;
use super::{
    batches::{self, ImportBatch, ItemSource},
    items::ImportItem,
    report::{ImportCounts, ImportReport},
};
use crate::client::{
    connection::TenantChannel,
    error::Error,
    resume::{self, Resumable, Step},
    retry::Retry,
};

/// Chunks sent and not yet acknowledged: enough to keep the service busy while an
/// acknowledgement travels, few enough that memory stays small.
const MAX_IN_FLIGHT: usize = 8;

/// Items that have an import RPC.
#[tonic::async_trait]
pub(super) trait UploadItem: ImportItem {
    type Request: Send + 'static;
    type Response: Send + 'static;

    fn start(start: ImportStart) -> Self::Request;
    fn chunk(items: Vec<Self>) -> Self::Request;
    fn finish() -> Self::Request;

    async fn open(
        channel: TenantChannel,
        requests: ReceiverStream<Self::Request>,
    ) -> Result<Streaming<Self::Response>, Status>;

    /// Converts a message of the service; None if it is empty.
    fn event(response: Self::Response) -> Option<UploadEvent>;
}

/// The message that starts or continues an import.
#[derive(Clone)]
pub(super) struct ImportStart {
    /// Names the import, so that it can be continued.
    pub(super) import_id: String,
    /// The number of items whose results are known.
    pub(super) known_count: u64,
    /// Identifies the content of the file: the import is not continued with another one.
    pub(super) fingerprint: String,
    /// The fields of contacts that the file has.
    pub(super) update_mask: Option<FieldMask>,
    /// Whether nothing is written.
    pub(super) validate_only: bool,
    /// Whether new contacts may take the ids of merged ones.
    pub(super) reuse_former: bool,
}

/// A message of the service during an import.
pub(super) enum UploadEvent {
    /// The number of items committed or rejected, with their results so far.
    Progress(u64, ImportCounts),
    /// The index of a rejected item, and the reason.
    Rejection(u64, String),
    /// The same as in `Progress`, for the whole import.
    Summary(u64, ImportCounts),
}

/// What a rejection in a dry run means, given what the rest of the import would write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PredictedOutcome {
    Created,
    /// By an earlier item of this import.
    Unchanged,
    Rejected,
}

/// Says what becomes of an item that a dry run rejects for this reason.
pub(super) type Predict<T> = Box<dyn FnMut(&T, &str) -> PredictedOutcome + Send>;

/// Uploads items, in chunks of at most `chunk`, over as many streams as it takes.
pub(super) async fn import<T: UploadItem>(
    channel: TenantChannel,
    sources: Vec<ItemSource<T>>,
    start: ImportStart,
    (chunk, predict): (usize, Option<Predict<T>>),
    mut retry: Retry,
    report: &mut ImportReport,
) -> Result<ImportCounts, Error> {
    let mut upload = UploadSession::<T> {
        channel,
        start,
        batches: batches::read(sources, chunk),
        report,
        requests: None,
        in_flight: InFlight::new(),
        is_ready: false,
        is_complete: false,
        resumed_at: 0,
        earlier_rejections: BTreeMap::new(),
        predict,
        predicted: ImportCounts::default(),
    };
    let counts = resume::read(&mut upload, &mut retry).await?.0;
    Ok(counts.corrected(upload.predicted))
}

/// An import, across connections.
struct UploadSession<'a, T: UploadItem> {
    channel: TenantChannel,
    start: ImportStart,
    batches: mpsc::Receiver<Result<ImportBatch<T>, Error>>,
    report: &'a mut ImportReport,
    /// The current stream, until everything was sent.
    requests: Option<mpsc::Sender<T::Request>>,
    in_flight: InFlight<T>,
    /// Whether the service has reported the progress of earlier streams.
    is_ready: bool,
    /// Whether all rows were read.
    is_complete: bool,
    /// Items committed by an earlier run. Their rows are read and not sent.
    resumed_at: u64,
    /// Rejections of an earlier run by index, until their rows are read.
    earlier_rejections: BTreeMap<u64, String>,
    predict: Option<Predict<T>>,
    /// Rejected items that a real run would not reject.
    predicted: ImportCounts,
}

impl<T: UploadItem> Resumable for UploadSession<'_, T> {
    type Response = T::Response;
    type Summary = ImportCounts;

    async fn open(&mut self) -> Result<Streaming<T::Response>, Error> {
        // Capacity for everything in flight and for start and finish: sending never waits.
        let (requests, stream) = mpsc::channel(MAX_IN_FLIGHT + 2);
        self.requests = Some(requests);
        self.is_ready = false;
        self.send(T::start(self.start.clone()));
        Ok(T::open(self.channel.clone(), ReceiverStream::new(stream)).await?)
    }

    async fn handle(&mut self, response: T::Response) -> Result<Step<ImportCounts>, Error> {
        let before = self.start.known_count;
        match T::event(response) {
            None => {}
            Some(UploadEvent::Rejection(index, reason)) => self.reject(index, reason)?,
            Some(UploadEvent::Progress(processed, counts)) if self.is_ready => {
                self.acknowledge(processed, Some(&counts))?;
            }
            Some(UploadEvent::Progress(processed, counts)) => self.resume(processed, &counts)?,
            Some(UploadEvent::Summary(processed, counts)) => {
                self.acknowledge(processed, Some(&counts))?;
                return match self.is_complete && processed == self.in_flight.total() {
                    true => Ok(Step::Done(counts)),
                    false => Err(unexpected_index(processed)),
                };
            }
        }
        self.send_chunks().await?;
        Ok(match self.start.known_count > before {
            true => Step::Progress,
            false => Step::Continue,
        })
    }

    fn position(&self) -> String {
        format!("{} rows", self.start.known_count)
    }
}

impl<T: UploadItem> UploadSession<'_, T> {
    /// Sending fails only if the connection has ended. Then the stream of responses ends too.
    fn send(&self, request: T::Request) {
        if let Some(requests) = &self.requests {
            let _ = requests.try_send(request);
        }
    }

    /// Sends as many chunks as may be in flight.
    async fn send_chunks(&mut self) -> Result<(), Error> {
        while self.is_ready && !self.is_complete && self.in_flight.chunk_count() < MAX_IN_FLIGHT {
            match self.batches.recv().await {
                Some(batch) => self.send_chunk(batch?)?,
                None => {
                    self.is_complete = true;
                    self.send_finish();
                }
            }
        }
        Ok(())
    }

    /// Sends a batch, without the items that an earlier run committed.
    fn send_chunk(&mut self, batch: ImportBatch<T>) -> Result<(), Error> {
        self.report.unsent(&batch)?;
        let first = self.in_flight.total();
        self.in_flight.push(batch.items, batch.rows);
        if first < self.resumed_at {
            self.skip()?;
        }
        let rest = first.max(self.resumed_at)..self.in_flight.total();
        if !rest.is_empty() {
            self.send(T::chunk(self.in_flight.items(rest)));
        }
        Ok(())
    }

    /// Acknowledges rows that an earlier run committed.
    fn skip(&mut self) -> Result<(), Error> {
        let end = self.resumed_at.min(self.in_flight.total());
        let later = self.earlier_rejections.split_off(&end);
        for (index, reason) in std::mem::replace(&mut self.earlier_rejections, later) {
            let row = self.in_flight.row(index);
            let row = row.ok_or_else(|| unexpected_index(index))?;
            self.report.reject(row, &reason)?;
        }
        self.acknowledge(end, None)
    }

    /// All rows were sent. The service does not wait for more once the stream is closed.
    fn send_finish(&mut self) {
        self.send(T::finish());
        self.requests = None;
    }

    /// The service has answered the start message. What it has not committed is sent again.
    fn resume(&mut self, processed: u64, counts: &ImportCounts) -> Result<(), Error> {
        if let Some(lost @ 1..) = self.in_flight.acknowledged().checked_sub(processed) {
            return Err(Error::LostRows(lost));
        }
        self.is_ready = true;
        self.resumed_at = processed;
        self.acknowledge(processed.min(self.in_flight.total()), Some(counts))?;
        for chunk in self.in_flight.chunks() {
            self.send(T::chunk(self.in_flight.items(chunk)));
        }
        if self.is_complete {
            self.send_finish();
        }
        Ok(())
    }

    fn reject(&mut self, index: u64, reason: String) -> Result<(), Error> {
        let predict = self.predict.as_mut().zip(self.in_flight.item(index));
        let outcome = predict.map(|(predict, item)| predict(item, &reason));
        match self.in_flight.row(index) {
            Some(_) if outcome == Some(PredictedOutcome::Created) => self.predicted.created += 1,
            Some(_) if outcome == Some(PredictedOutcome::Unchanged) => {
                self.predicted.unchanged += 1;
            }
            Some(row) => self.report.reject(row, &reason)?,
            None if !self.is_ready && index >= self.in_flight.total() => {
                self.earlier_rejections.insert(index, reason);
            }
            None => return Err(unexpected_index(index)),
        }
        self.start.known_count = self.start.known_count.max(index + 1);
        Ok(())
    }

    /// All items before this index are committed or rejected.
    fn acknowledge(&mut self, processed: u64, counts: Option<&ImportCounts>) -> Result<(), Error> {
        let bytes = self.in_flight.acknowledge(processed);
        let bytes = bytes.ok_or_else(|| unexpected_index(processed))?;
        self.start.known_count = self.start.known_count.max(processed);
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
