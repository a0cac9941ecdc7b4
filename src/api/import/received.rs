//! The messages of an upload, received ahead of the commits.

use std::{collections::VecDeque, ops::Deref};

use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{
    Upload,
    messages::{ItemOptions, Message},
};
use crate::{
    api::{contact_fields::ContactFields, incoming, quota::TakenQuota, status},
    domain::imports::ItemRejection,
    model::MAX_BATCH_ITEMS,
};

/// No more is received while so many bytes of messages wait, or [`MAX_BATCH_ITEMS`] items. A message
/// has at most 4 MiB and as many items, so at most twice of both can wait. A message without items
/// counts as one.
const MAX_WAITING_BYTES: usize = 4 << 20;

/// The items of a chunk: their names, and how they were read.
pub(super) type ReadItems<U> = Vec<(
    <U as Upload>::Name,
    Result<<U as Upload>::Item, ItemRejection>,
)>;

/// A message, or why there is none.
type Received<U> = Result<Message<ReadItems<U>>, Status>;

/// The messages of an upload. Those that have come wait here, so that they do not wait in the
/// connection, where many small ones count as an attack.
pub(super) struct ReceivedMessages<U: Upload> {
    requests: Streaming<U::Request>,
    shutdown: CancellationToken,
    pub(super) options: ItemOptions,
    /// With their sizes in bytes.
    waiting: VecDeque<(Received<U>, usize, Option<TakenQuota>)>,
    /// The memory of the messages that were taken since the last wait, and are being committed.
    committing: Vec<Option<TakenQuota>>,
    waiting_items: usize,
    waiting_bytes: usize,
    ended: bool,
}

impl<U: Upload> ReceivedMessages<U> {
    pub(super) fn new(requests: Streaming<U::Request>, shutdown: CancellationToken) -> Self {
        Self {
            requests,
            shutdown,
            options: ItemOptions {
                fields: ContactFields::ALL,
                reuse_former: false,
            },
            waiting: VecDeque::new(),
            committing: Vec::new(),
            waiting_items: 0,
            waiting_bytes: 0,
            ended: false,
        }
    }

    /// Whether more may be received.
    pub(super) fn has_room(&self) -> bool {
        !self.ended
            && self.waiting_items < MAX_BATCH_ITEMS
            && self.waiting_bytes < MAX_WAITING_BYTES
    }

    /// The next message; after the last one, the end.
    pub(super) async fn next(&mut self) -> Received<U> {
        self.committing.clear();
        if self.waiting.is_empty() {
            if self.ended {
                return Ok(Message::End);
            }
            self.receive().await;
        }
        self.pop().unwrap_or(Ok(Message::End))
    }

    /// The next message, if it has come and is a chunk of at most `max` items.
    pub(super) fn next_chunk(&mut self, max: usize) -> Option<ReadItems<U>> {
        let next = self.waiting.front().map(|(message, ..)| message);
        if !matches!(next, Some(Ok(Message::Chunk(items))) if items.len() <= max) {
            return None;
        }
        match self.pop()?.ok()? {
            Message::Chunk(items) => Some(items),
            Message::Start(_) | Message::Finish | Message::Empty | Message::End => None,
        }
    }

    fn pop(&mut self) -> Option<Received<U>> {
        let (message, bytes, memory) = self.waiting.pop_front()?;
        self.committing.push(memory);
        self.waiting_bytes -= bytes;
        self.waiting_items -= item_count(&message);
        Some(message)
    }

    /// Receives a message. Cancel-safe.
    pub(super) async fn receive(&mut self) {
        let received = self.shutdown.run_until_cancelled(self.requests.message());
        let received = match received.await {
            Some(received) => received,
            None => Err(status::shutting_down()),
        };
        let bytes = match &received {
            Ok(Some(request)) => request.encoded_len(),
            Ok(None) | Err(_) => 0,
        };
        let message = match received {
            Ok(Some(request)) => self.read(request.into()),
            Ok(None) => Ok(Message::End),
            Err(status) => Err(status),
        };
        self.ended = matches!(message, Ok(Message::End) | Err(_));
        self.waiting_items += item_count(&message);
        self.waiting_bytes += bytes;
        let memory = incoming::take_memory();
        self.waiting.push_back((message, bytes, memory));
    }

    fn read(&self, message: Message<Vec<U::Sent>>) -> Received<U> {
        Ok(match message {
            Message::Chunk(items) => {
                let read = |item| U::read(item, &self.options);
                Message::Chunk(items.into_iter().map(read).collect())
            }
            Message::Start(start) => Message::Start(start),
            Message::Finish => Message::Finish,
            Message::Empty => Message::Empty,
            Message::End => Message::End,
        })
    }
}

/// How many items a message counts as.
fn item_count<Items: Deref<Target = [T]>, T>(message: &Result<Message<Items>, Status>) -> usize {
    match message {
        Ok(Message::Chunk(items)) => items.len().max(1),
        Ok(Message::Start(_) | Message::Finish | Message::Empty | Message::End) | Err(_) => 1,
    }
}
