//! The streaming imports: chunks are sent while acknowledgements and rejections arrive. When the
//! connection breaks, the import continues after the last committed item.

mod messages;
mod session;

use futures_util::{TryFutureExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use self::session::UploadSession;
use super::{
    batches::{self, ImportBatch},
    csv_file::CsvFile,
    items::ImportItem,
    report::{ImportCounts, ImportReport},
};
use crate::client::{connection::TenantChannel, error::Error, retry::Retry};

/// Chunks sent and not yet acknowledged: enough to keep the service busy while an
/// acknowledgement travels, few enough that memory stays small.
const MAX_IN_FLIGHT: usize = 8;

/// Items that have an import RPC.
#[tonic::async_trait]
pub(super) trait UploadItem: ImportItem + Clone {
    type Request: Send + 'static;
    type Response: Send + 'static;

    /// Starts or continues an import. `known` is the number of items whose results are known.
    fn start(import_id: String, known: u64) -> Self::Request;
    fn chunk(items: Vec<Self>) -> Self::Request;
    fn finish() -> Self::Request;

    async fn open(
        channel: TenantChannel,
        requests: ReceiverStream<Self::Request>,
    ) -> Result<Streaming<Self::Response>, Status>;

    /// Converts a message of the service; None if it is empty.
    fn event(response: Self::Response) -> Option<UploadEvent>;
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

pub(super) struct UploadOptions {
    /// Names the import, so that it can be continued.
    pub(super) import_id: String,
    /// The most rows that are committed together.
    pub(super) chunk: usize,
    pub(super) retry: Retry,
}

/// Uploads the rows of a file, over as many streams as it takes.
pub(super) async fn import<T: UploadItem>(
    channel: TenantChannel,
    file: CsvFile,
    options: UploadOptions,
    report: &mut ImportReport,
) -> Result<ImportCounts, Error> {
    let mut batches = batches::read::<T>(file, options.chunk);
    let mut retry = options.retry;
    let mut session = UploadSession::<T>::new(options.import_id, report);
    loop {
        match upload_once(channel.clone(), &mut session, &mut batches, &mut retry).await {
            Ok(counts) => return Ok(counts),
            // The service limits the age of every stream.
            Err(Error::Call(status)) if status.code() == Code::DeadlineExceeded => {}
            Err(cause) => retry.wait(cause, &session.position()).await?,
        }
    }
}

/// Uploads over one stream.
async fn upload_once<T: UploadItem>(
    channel: TenantChannel,
    session: &mut UploadSession<'_, T>,
    batches: &mut mpsc::Receiver<Result<ImportBatch<T>, Error>>,
    retry: &mut Retry,
) -> Result<ImportCounts, Error> {
    // Capacity for everything in flight and for start and finish: sending never waits.
    let (requests, stream) = mpsc::channel(MAX_IN_FLIGHT + 2);
    session.open(requests);
    // Polled together with the upload from the start: a service may take items before it answers.
    let responses = T::open(channel, ReceiverStream::new(stream)).try_flatten_stream();
    let mut responses = std::pin::pin!(responses);
    loop {
        tokio::select! {
            batch = batches.recv(), if session.has_capacity() => match batch {
                Some(batch) => session.chunk(batch?)?,
                None => session.finish(),
            },
            response = responses.try_next() => {
                let event = T::event(response?.ok_or(Error::UnexpectedEnd)?);
                let before = session.known_count();
                let summary = session.handle(event)?;
                if session.known_count() > before {
                    retry.reset();
                }
                if let Some(counts) = summary {
                    return Ok(counts);
                }
            }
        }
    }
}
