//! Uploads: `start`, chunks, `finish`, over a stream in both directions.
//!
//! Only `finish` completes an import: tonic reports a cancelled upload as a clean end of stream.

pub(super) mod contacts;
pub(super) mod memberships;

use std::{collections::VecDeque, future::Future, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tonic::{Status, Streaming};

use super::{
    field::{check_batch_size, optional},
    request_id, status,
    stream::ResponseStream,
};
use crate::{
    domain::{
        Call, Domain, Error, Result, Violation,
        imports::{Import, ImportProgress, StoredRejection},
    },
    model::ImportKind,
};

/// While a chunk is being committed, the caller gets a progress message this often.
const COMMIT_HEARTBEAT: Duration = Duration::from_secs(1);

/// One message of an upload.
pub(super) enum Message<Chunk> {
    /// Starts the import: its id, and how many items the caller has results for.
    Start(String, i64),
    /// Carries items that are committed together.
    Chunk(Chunk),
    /// Closes it.
    Finish,
    /// A message without content.
    Empty,
}

/// The kind of upload: its messages, and how its chunks are committed.
pub(super) trait Upload: Send + 'static {
    /// A message of the caller.
    type Request: Into<Message<Vec<Self::Item>>> + Send + 'static;
    /// What a chunk holds.
    type Item: Send;
    /// A chunk that was read.
    type Chunk: Send + 'static;
    /// A message to the caller.
    type Response: prost::Message + Clone + Default + 'static;

    /// What is imported.
    const KIND: ImportKind;
    /// The path of a chunk's items, for errors.
    const ITEMS: &'static str;

    /// Reads a chunk's items.
    fn read(items: Vec<Self::Item>) -> Self::Chunk;

    /// Commits a chunk, and returns its rejections.
    fn commit(
        import: &mut Import,
        chunk: Self::Chunk,
    ) -> impl Future<Output = Result<Vec<StoredRejection>>> + Send;

    /// How far the import has come.
    fn progress(progress: ImportProgress) -> Self::Response;

    /// The totals.
    fn summary(progress: ImportProgress) -> Self::Response;
}

/// Responds to an upload. While a chunk is committed, one more message is prefetched; its chunk
/// is committed after all pending responses were sent, for back-pressure.
pub(super) fn run<U: Upload>(
    domain: Domain,
    call: Call,
    requests: Streaming<U::Request>,
    shutdown: CancellationToken,
) -> ResponseStream<U::Response> {
    let uploading = Uploading::<U> {
        state: ImportState::New(Import::new(domain, call, U::KIND)),
        requests,
        shutdown,
        pending: VecDeque::new(),
        prefetched: None,
        progress: U::progress(ImportProgress::default()),
        last_sent: Instant::now(),
    };
    stream::try_unfold(uploading, |mut uploading| async move {
        let response = uploading.next().await?;
        Ok(response.map(|response| (response, uploading)))
    })
    .boxed()
}

/// A chunk being committed, in its own task, so that it continues while the caller reads slowly.
type Committing = AbortOnDropHandle<(Import, Result<Vec<StoredRejection>>)>;

enum ImportState {
    /// Before the first message.
    New(Import),
    /// The rejections from this item on are sent again.
    Resuming(Import, i64),
    /// A chunk may come.
    Open(Import),
    Committing(Committing),
    Finished,
}

/// A message, or why there is none.
type Received<U> = Result<Message<<U as Upload>::Chunk>, Status>;

struct Uploading<U: Upload> {
    state: ImportState,
    requests: Streaming<U::Request>,
    shutdown: CancellationToken,
    /// Responses to send.
    pending: VecDeque<U::Response>,
    /// The message after the chunk that is being committed.
    prefetched: Option<Received<U>>,
    /// The last progress message, and when the last response was sent.
    progress: U::Response,
    last_sent: Instant,
}

impl<U: Upload> Uploading<U> {
    async fn next(&mut self) -> Result<Option<U::Response>, Status> {
        loop {
            if let Some(response) = self.pending.pop_front() {
                self.last_sent = Instant::now();
                return Ok(Some(response));
            }
            self.state = match std::mem::replace(&mut self.state, ImportState::Finished) {
                ImportState::Finished => return Ok(None),
                ImportState::Resuming(import, from) => self.resume(import, from).await?,
                ImportState::Committing(task) => self.wait(task).await?,
                state => {
                    let message = match self.prefetched.take() {
                        Some(message) => message,
                        None => receive::<U>(&mut self.requests, &self.shutdown).await,
                    };
                    self.take(message?, state).await?
                }
            };
        }
    }

    async fn take(
        &mut self,
        message: Message<U::Chunk>,
        state: ImportState,
    ) -> Result<ImportState> {
        match (message, state) {
            (Message::Start(id, known), ImportState::New(mut import)) => {
                if known < 0 {
                    return Err(invalid_message("start.known_count", "must not be negative"));
                }
                let Some(id) = optional(&id, "start.import_id")? else {
                    return Ok(ImportState::Open(import));
                };
                import.resume(id).await?;
                Ok(ImportState::Resuming(import, known))
            }
            (Message::Chunk(chunk), ImportState::Open(import)) => Ok(commit::<U>(import, chunk)),
            (Message::Finish, ImportState::Open(import)) => {
                self.pending.push_back(U::summary(import.progress));
                Ok(ImportState::Finished)
            }
            (_, ImportState::New(_)) => Err(invalid_message(
                "message",
                "must be start in the first message",
            )),
            _ => Err(invalid_message(
                "message",
                "must be chunk or finish after the first message",
            )),
        }
    }

    /// Sends rejections again; after the last of them, how far the import has come.
    async fn resume(&mut self, import: Import, from: i64) -> Result<ImportState> {
        let rejected = import.rejected(from).await?;
        let Some((last, _)) = rejected.last() else {
            self.answer(&import, Vec::new())?;
            return Ok(ImportState::Open(import));
        };
        let next = last + 1;
        self.pending.extend(decoded::<U>(rejected)?);
        Ok(ImportState::Resuming(import, next))
    }

    /// Waits for a chunk to be committed, and receives the next message in parallel.
    async fn wait(&mut self, mut task: Committing) -> Result<ImportState> {
        tokio::select! {
            biased;
            done = &mut task => {
                let (import, rejected) = done.map_err(|error| Error::Internal(error.into()))?;
                self.answer(&import, rejected?)?;
                return Ok(ImportState::Open(import));
            }
            message = receive::<U>(&mut self.requests, &self.shutdown), if self.prefetched.is_none() => {
                self.prefetched = Some(message);
            }
            () = tokio::time::sleep_until(self.last_sent + COMMIT_HEARTBEAT) => {
                self.pending.push_back(self.progress.clone());
            }
        }
        Ok(ImportState::Committing(task))
    }

    fn answer(&mut self, import: &Import, rejected: Vec<StoredRejection>) -> Result<()> {
        self.pending.extend(decoded::<U>(rejected)?);
        self.progress = U::progress(import.progress);
        self.pending.push_back(self.progress.clone());
        Ok(())
    }
}

/// Receives a message and reads what it carries.
async fn receive<U: Upload>(
    requests: &mut Streaming<U::Request>,
    shutdown: &CancellationToken,
) -> Received<U> {
    let message = shutdown.run_until_cancelled(requests.message()).await;
    let message = message.ok_or_else(status::shutting_down)??;
    Ok(match message.ok_or_else(status::unfinished)?.into() {
        Message::Chunk(items) => {
            check_batch_size(&items, U::ITEMS)?;
            Message::Chunk(U::read(items))
        }
        Message::Start(id, known) => Message::Start(id, known),
        Message::Finish => Message::Finish,
        Message::Empty => Message::Empty,
    })
}

fn commit<U: Upload>(mut import: Import, chunk: U::Chunk) -> ImportState {
    let commit = async move {
        let rejected = U::commit(&mut import, chunk).await;
        (import, rejected)
    };
    let task = tokio::spawn(request_id::scope(request_id::current_or_new(), commit));
    ImportState::Committing(AbortOnDropHandle::new(task))
}

fn decoded<U: Upload>(rejected: Vec<StoredRejection>) -> Result<Vec<U::Response>> {
    let decode =
        |(_, bytes): StoredRejection| <U::Response as prost::Message>::decode(bytes.as_slice());
    let answers = rejected.into_iter().map(decode).collect::<Result<_, _>>();
    answers.map_err(|error| Error::Internal(error.into()))
}

fn invalid_message(field: &str, reason: &str) -> Error {
    Violation {
        field: field.to_owned(),
        reason: reason.to_owned(),
    }
    .into()
}
