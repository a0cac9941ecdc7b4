//! Uploads: `start`, chunks, `finish`, over a stream in both directions.
//!
//! Only `finish` completes an import: tonic reports a cancelled upload as a clean end of stream.

pub(super) mod contacts;
pub(super) mod memberships;
mod messages;
mod received;

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tonic::{Status, Streaming};

use self::{
    messages::{ItemOptions, Message, UploadStart},
    received::{ReadItems, ReceivedMessages},
};
use super::{
    assignments::former_name, field::optional, request_id, status, stream::ResponseStream,
};
use crate::{
    domain::{
        Call, Domain, Error, Result,
        imports::{
            Import, ImportProgress, Importable, IndexedRejection, ItemRejection, RejectedName,
        },
    },
    model::MAX_BATCH_ITEMS,
};

/// While a chunk is being committed, the caller gets a progress message this often.
const COMMIT_HEARTBEAT: Duration = Duration::from_secs(1);

/// How long the summary waits after `finish` for the caller to close its side of the stream: a message
/// that comes first is an error.
const FINISH_GRACE: Duration = Duration::from_millis(100);

/// The kind of upload: its messages, and what its items are.
pub(super) trait Upload: Send + 'static {
    /// A message of the caller.
    type Request: prost::Message + Into<Message<Vec<Self::Sent>>> + Default + 'static;
    /// An item as sent.
    type Sent: Send + 'static;
    /// What a rejection repeats of an item.
    type Name: Send + 'static;
    /// An item as it was read.
    type Item: Importable;
    /// A message to the caller.
    type Response: Clone + Send + 'static;

    /// Reads an item.
    fn read(
        sent: Self::Sent,
        options: &ItemOptions,
    ) -> (Self::Name, Result<Self::Item, ItemRejection>);

    /// Why an item is refused.
    fn describe(refusal: <Self::Item as Importable>::Refusal) -> ItemRejection;

    /// A rejected item; the name of an item is not known if it was sent by an earlier stream.
    fn rejection(index: i64, name: Option<Self::Name>, rejection: ItemRejection) -> Self::Response;

    /// How far the import has come.
    fn progress(progress: ImportProgress, finished: bool) -> Self::Response;

    /// The totals.
    fn summary(progress: ImportProgress) -> Self::Response;
}

/// Responds to an upload. While items are committed, more are received, up to the limits of
/// [`ReceivedMessages`]; they are committed together after all pending responses were sent, for
/// back-pressure.
pub(super) fn run<U: Upload>(
    domain: Domain,
    call: Call,
    requests: Streaming<U::Request>,
    shutdown: CancellationToken,
) -> ResponseStream<U::Response> {
    let uploading = Uploading::<U> {
        state: ImportState::New(domain, call),
        received: ReceivedMessages::new(requests, shutdown),
        pending: VecDeque::new(),
        progress: U::progress(ImportProgress::default(), false),
        last_sent: Instant::now(),
    };
    stream::try_unfold(uploading, |mut uploading| async move {
        let response = uploading.next().await?;
        Ok(response.map(|response| (response, uploading)))
    })
    .boxed()
}

/// Items being committed, in their own task, so that it continues while the caller reads slowly.
type Committing<T> = AbortOnDropHandle<(Import<T>, Result<Vec<IndexedRejection>>)>;

enum ImportState<U: Upload> {
    /// Before the first message.
    New(Domain, Call),
    /// The rejections from this item on are sent again.
    Resuming(Import<U::Item>, i64),
    /// A chunk may come.
    Open(Import<U::Item>),
    /// With the names of the items.
    Committing(Committing<U::Item>, Vec<U::Name>),
    Finished,
}

struct Uploading<U: Upload> {
    state: ImportState<U>,
    received: ReceivedMessages<U>,
    /// Responses to send.
    pending: VecDeque<U::Response>,
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
                ImportState::New(domain, call) => match self.received.next().await? {
                    Message::Start(start) => self.start(start, domain, call).await?,
                    Message::End => return Err(status::unfinished()),
                    Message::Chunk(_) | Message::Finish | Message::Empty => {
                        let reason = "must be start in the first message";
                        return Err(Error::invalid("message", reason).into());
                    }
                },
                ImportState::Resuming(import, from) => self.resume(import, from).await?,
                ImportState::Open(import) => match self.received.next().await? {
                    Message::Chunk(items) => self.commit(import, items),
                    Message::Finish => self.finish(import).await?,
                    Message::End => return Err(status::unfinished()),
                    Message::Start(_) | Message::Empty => {
                        let reason = "must be chunk or finish after the first message";
                        return Err(Error::invalid("message", reason).into());
                    }
                },
                ImportState::Committing(task, names) => self.wait(task, names).await?,
            };
        }
    }

    async fn start(
        &mut self,
        start: UploadStart,
        domain: Domain,
        call: Call,
    ) -> Result<ImportState<U>> {
        let source;
        (self.received.options, source) = start.read(U::Item::KIND)?;
        let id = optional(&start.import_id, "start.import_id")?;
        let has_id = id.is_some();
        let import = match start.validate_only {
            true => Import::validation(domain, call, source),
            false => Import::open(domain, call, id, source).await?,
        };
        Ok(match has_id {
            true => ImportState::Resuming(import, start.known_count),
            false => ImportState::Open(import),
        })
    }

    /// Sends rejections again; after the last of them, how far the import has come.
    async fn resume(&mut self, import: Import<U::Item>, from: i64) -> Result<ImportState<U>> {
        let rejected = import.rejected(from).await?;
        if let Some((last, _)) = rejected.last() {
            let next = last + 1;
            let rejected = rejected.into_iter();
            let rejected = rejected.map(|(index, rejection)| U::rejection(index, None, rejection));
            self.pending.extend(rejected);
            return Ok(ImportState::Resuming(import, next));
        }
        self.progress = U::progress(import.progress, import.finished);
        self.pending.push_back(self.progress.clone());
        if import.finished {
            self.pending.push_back(U::summary(import.progress));
            return Ok(ImportState::Finished);
        }
        Ok(ImportState::Open(import))
    }

    /// Commits a chunk, together with those received after it.
    fn commit(&mut self, mut import: Import<U::Item>, first: ReadItems<U>) -> ImportState<U> {
        let mut room = MAX_BATCH_ITEMS - first.len();
        let (mut names, mut chunks) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(items) = next {
            let (item_names, chunk): (Vec<_>, Vec<_>) = items.into_iter().unzip();
            names.extend(item_names);
            chunks.push(chunk);
            next = self.received.next_chunk(room);
            room -= next.as_ref().map_or(0, Vec::len);
        }
        let commit = async move {
            let rejected = import.commit(chunks, U::describe).await;
            (import, rejected)
        };
        ImportState::Committing(spawn(commit), names)
    }

    /// Finishes the import, unless another message comes.
    async fn finish(&mut self, mut import: Import<U::Item>) -> Result<ImportState<U>, Status> {
        if let Ok(message) = timeout(FINISH_GRACE, self.received.next()).await {
            refuse_after_finish(message?)?;
        }
        let finish = async move {
            let finished = import.finish().await;
            (import, finished.map(|()| Vec::new()))
        };
        Ok(ImportState::Committing(spawn(finish), Vec::new()))
    }

    /// Waits for items to be committed, and receives more in parallel.
    async fn wait(
        &mut self,
        mut task: Committing<U::Item>,
        names: Vec<U::Name>,
    ) -> Result<ImportState<U>> {
        tokio::select! {
            biased;
            done = &mut task => {
                let (import, rejected) = done.map_err(Error::from)?;
                let rejected = rejected?;
                if import.finished {
                    self.pending.push_back(U::summary(import.progress));
                    return Ok(ImportState::Finished);
                }
                self.answer(import.progress, rejected, names);
                return Ok(ImportState::Open(import));
            }
            () = self.received.receive(), if self.received.has_room() => {}
            () = sleep_until(self.last_sent + COMMIT_HEARTBEAT) => {
                self.pending.push_back(self.progress.clone());
            }
        }
        Ok(ImportState::Committing(task, names))
    }

    fn answer(
        &mut self,
        progress: ImportProgress,
        rejected: Vec<IndexedRejection>,
        names: Vec<U::Name>,
    ) {
        let first = progress.processed_count - names.len() as i64;
        let mut rejected = rejected.into_iter().peekable();
        for (index, name) in (first..).zip(names) {
            if let Some((_, rejection)) = rejected.next_if(|(at, _)| *at == index) {
                self.pending
                    .push_back(U::rejection(index, Some(name), rejection));
            }
        }
        self.progress = U::progress(progress, false);
        self.pending.push_back(self.progress.clone());
    }
}

/// The metadata of an item that uses a former name.
fn former_name_metadata(name: RejectedName) -> HashMap<String, String> {
    former_name(name.into_name())
}

fn refuse_after_finish<Items>(message: Message<Items>) -> Result<()> {
    match message {
        Message::End => Ok(()),
        message => Err(Error::invalid(message.name(), "must not follow finish")),
    }
}

/// Runs a part of a call in a task of its own.
fn spawn<T: Send + 'static>(
    part: impl Future<Output = T> + Send + 'static,
) -> AbortOnDropHandle<T> {
    let part = request_id::scope(request_id::current_or_new(), part);
    AbortOnDropHandle::new(tokio::spawn(part))
}
