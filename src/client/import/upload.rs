//! The streaming imports: chunks go up, acknowledgements and rejections come down, at once.

mod messages;

use futures_util::{TryFutureExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::client::connection::Link;
use crate::client::error::Error;

use super::items::Item;
use super::journal::Journal;
use super::ledger::Ledger;
use super::report::Tally;
use super::rows::{self, Batch};
use super::source::Table;

/// Chunks sent and not yet acknowledged: enough to keep the service busy while an
/// acknowledgement travels, few enough that memory stays small.
const IN_FLIGHT: usize = 8;

/// Items that have an import RPC.
#[tonic::async_trait]
pub(super) trait Upload: Item {
    type Request: Send + 'static;
    type Response: Send + 'static;

    fn start() -> Self::Request;
    fn chunk(items: Vec<Self>) -> Self::Request;
    fn finish() -> Self::Request;

    /// Calls the RPC.
    async fn open(
        link: Link,
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

/// Uploads a table's rows in chunks of at most `limit`.
pub(super) async fn import<T: Upload>(
    link: Link,
    table: Table,
    limit: usize,
    journal: &mut Journal,
) -> Result<Tally, Error> {
    // Room for everything in flight and for start and finish: sending never waits.
    let (requests, stream) = mpsc::channel(IN_FLIGHT + 2);
    let mut flight = Flight::<T> {
        requests: Some(requests),
        ledger: Ledger::default(),
        journal,
    };
    flight.send(T::start());
    // Polled together with the upload from the start: a service may take items before it answers.
    let answers = T::open(link, ReceiverStream::new(stream)).try_flatten_stream();
    let mut answers = std::pin::pin!(answers);
    let mut batches = rows::read::<T>(table, limit);
    loop {
        tokio::select! {
            batch = batches.recv(), if flight.has_room() => match batch {
                Some(batch) => flight.chunk(batch?)?,
                None => flight.finish(),
            },
            answer = answers.try_next() => {
                let event = answer?.ok_or(Error::Unfinished)?;
                if let Some(tally) = flight.take(T::event(event))? {
                    return Ok(tally);
                }
            }
        }
    }
}

struct Flight<'a, T: Upload> {
    /// None once everything was sent.
    requests: Option<mpsc::Sender<T::Request>>,
    ledger: Ledger,
    journal: &'a mut Journal,
}

impl<T: Upload> Flight<'_, T> {
    fn has_room(&self) -> bool {
        self.requests.is_some() && self.ledger.chunks() < IN_FLIGHT
    }

    /// A failure to send is the end of the connection; the answers will say so.
    fn send(&mut self, request: T::Request) {
        if let Some(requests) = &self.requests {
            let _ = requests.try_send(request);
        }
    }

    fn chunk(&mut self, batch: Batch<T>) -> Result<(), Error> {
        self.journal.unreadable(&batch.unreadable)?;
        if !batch.items.is_empty() {
            self.ledger.sent(batch.rows);
            self.send(T::chunk(batch.items));
        }
        Ok(())
    }

    fn finish(&mut self) {
        self.send(T::finish());
        self.requests = None;
    }

    /// Notes what the service says; the tally if that was its last word.
    fn take(&mut self, event: Option<Event>) -> Result<Option<Tally>, Error> {
        match event {
            None => Ok(None),
            Some(Event::Rejection(index, reason)) => {
                let row = self.ledger.row(index).ok_or_else(|| out_of_place(index))?;
                self.journal.reject(row, &reason)?;
                Ok(None)
            }
            Some(Event::Progress(processed, tally)) => {
                self.answered(processed, &tally)?;
                Ok(None)
            }
            Some(Event::Summary(processed, tally)) => {
                self.answered(processed, &tally)?;
                match self.requests.is_none() && processed == self.ledger.total() {
                    true => Ok(Some(tally)),
                    false => Err(out_of_place(processed)),
                }
            }
        }
    }

    fn answered(&mut self, processed: u64, tally: &Tally) -> Result<(), Error> {
        let bytes = self
            .ledger
            .answered(processed)
            .ok_or_else(|| out_of_place(processed))?;
        self.journal.answered(tally.committed(), bytes);
        Ok(())
    }
}

fn out_of_place(index: u64) -> Error {
    Error::Protocol(format!(
        "it answered for item {index}, which is not in flight"
    ))
}
