//! The streaming imports: chunks go up, acknowledgements and rejections come down, at once. When
//! the connection breaks, the import is continued after the last item that is committed.

mod flight;
mod messages;

use flight::Flight;
use futures_util::{TryFutureExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use super::{
    items::Item,
    journal::Journal,
    report::Tally,
    rows::{self, Batch},
    source::Table,
};
use crate::client::{connection::TenantChannel, error::Error, retry::Retry};

/// Chunks sent and not yet acknowledged: enough to keep the service busy while an
/// acknowledgement travels, few enough that memory stays small.
const IN_FLIGHT: usize = 8;

/// Items that have an import RPC.
#[tonic::async_trait]
pub(super) trait Upload: Item + Clone {
    type Request: Send + 'static;
    type Response: Send + 'static;

    /// Begins or continues the import of this name; so many items are known to be answered for.
    fn start(import_id: String, known: u64) -> Self::Request;
    fn chunk(items: Vec<Self>) -> Self::Request;
    fn finish() -> Self::Request;

    /// Calls the RPC.
    async fn open(
        link: TenantChannel,
        requests: ReceiverStream<Self::Request>,
    ) -> Result<Streaming<Self::Response>, Status>;

    /// What a message of the service says; None if it says nothing.
    fn event(response: Self::Response) -> Option<Event>;
}

/// What the service says during an import.
pub(super) enum Event {
    /// So many items are answered for, with these results.
    Progress(u64, Tally),
    /// The item at this place was refused.
    Rejection(u64, String),
    /// All items are answered for.
    Summary(u64, Tally),
}

/// An import and how it is gone about.
pub(super) struct Plan {
    /// Its name, by which it can be continued.
    pub(super) id: String,
    /// The most rows that are committed together.
    pub(super) chunk: usize,
    /// When to give up.
    pub(super) retry: Retry,
}

/// Uploads a table's rows, over as many streams as it takes.
pub(super) async fn import<T: Upload>(
    link: TenantChannel,
    table: Table,
    plan: Plan,
    journal: &mut Journal,
) -> Result<Tally, Error> {
    let mut batches = rows::read::<T>(table, plan.chunk);
    let mut retry = plan.retry;
    let mut flight = Flight::<T>::new(journal);
    loop {
        match stream(
            link.clone(),
            &plan.id,
            &mut flight,
            &mut batches,
            &mut retry,
        )
        .await
        {
            Ok(tally) => return Ok(tally),
            // The service lets no stream go on for ever.
            Err(Error::Call(status)) if status.code() == Code::DeadlineExceeded => {}
            Err(cause) => retry.wait(cause, &flight.place()).await?,
        }
    }
}

/// Uploads over one stream, as far as it goes.
async fn stream<T: Upload>(
    link: TenantChannel,
    id: &str,
    flight: &mut Flight<'_, T>,
    batches: &mut mpsc::Receiver<Result<Batch<T>, Error>>,
    retry: &mut Retry,
) -> Result<Tally, Error> {
    // Room for everything in flight and for start and finish: sending never waits.
    let (requests, stream) = mpsc::channel(IN_FLIGHT + 2);
    flight.open(requests, id.to_owned());
    // Polled together with the upload from the start: a service may take items before it answers.
    let answers = T::open(link, ReceiverStream::new(stream)).try_flatten_stream();
    let mut answers = std::pin::pin!(answers);
    loop {
        tokio::select! {
            batch = batches.recv(), if flight.has_room() => match batch {
                Some(batch) => flight.chunk(batch?)?,
                None => flight.finish(),
            },
            answer = answers.try_next() => {
                let event = answer?.ok_or(Error::UnexpectedEnd)?;
                let before = flight.known();
                let tally = flight.take(T::event(event))?;
                if flight.known() > before {
                    retry.reset();
                }
                if let Some(tally) = tally {
                    return Ok(tally);
                }
            }
        }
    }
}
