//! Uploads: `start`, chunks, `finish`, over a stream in both directions.
//!
//! The end of the stream alone means nothing: a caller who hangs up looks the same as one who
//! is done. Only `finish` ends an import well.

pub(super) mod contacts;
pub(super) mod memberships;

use std::collections::VecDeque;

use futures_util::{StreamExt, stream, stream::BoxStream};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{field::batch, status};
use crate::domain::{Error, Result, Violation};

/// One message of an upload.
pub(super) enum Message<Item> {
    /// Opens it.
    Start,
    /// Carries items that are committed together.
    Chunk(Vec<Item>),
    /// Closes it.
    Finish,
    /// Says nothing.
    Empty,
}

/// What is imported, and how it is answered for.
pub(super) trait Import: Send + 'static {
    /// A message of the caller.
    type Request: Into<Message<Self::Item>> + Send + 'static;
    /// What a chunk holds.
    type Item: Send;
    /// A message to the caller.
    type Response: Send + 'static;

    /// The path of a chunk's items, for errors.
    const ITEMS: &'static str;

    /// Commits a chunk. Answers its rejections, and then how far the import has come.
    fn commit(
        &mut self,
        items: Vec<Self::Item>,
    ) -> impl Future<Output = Result<Vec<Self::Response>>> + Send;

    /// The totals.
    fn summary(&self) -> Self::Response;
}

/// Answers an upload, message by message: nothing is read from the caller before everything
/// that is known was sent to it.
pub(super) fn run<I: Import>(
    import: I,
    requests: Streaming<I::Request>,
    shutdown: CancellationToken,
) -> BoxStream<'static, Result<I::Response, Status>> {
    let upload = Upload {
        import,
        requests,
        shutdown,
        pending: VecDeque::new(),
        state: State::New,
    };
    stream::try_unfold(upload, |mut upload| async move {
        let response = upload.next().await?;
        Ok(response.map(|response| (response, upload)))
    })
    .boxed()
}

#[derive(PartialEq)]
enum State {
    New,
    Open,
    Finished,
}

struct Upload<I: Import> {
    import: I,
    requests: Streaming<I::Request>,
    shutdown: CancellationToken,
    pending: VecDeque<I::Response>,
    state: State,
}

impl<I: Import> Upload<I> {
    async fn next(&mut self) -> Result<Option<I::Response>, Status> {
        loop {
            if let Some(response) = self.pending.pop_front() {
                return Ok(Some(response));
            }
            if self.state == State::Finished {
                return Ok(None);
            }
            let message = self
                .shutdown
                .run_until_cancelled(self.requests.message())
                .await
                .ok_or_else(status::draining)??
                .ok_or_else(status::unfinished)?;
            self.take(message.into()).await?;
        }
    }

    async fn take(&mut self, message: Message<I::Item>) -> Result<()> {
        match (message, &self.state) {
            (Message::Start, State::New) => self.state = State::Open,
            (Message::Chunk(items), State::Open) => {
                batch(&items, I::ITEMS)?;
                self.pending.extend(self.import.commit(items).await?);
            }
            (Message::Finish, State::Open) => {
                self.pending.push_back(self.import.summary());
                self.state = State::Finished;
            }
            (_, State::New) => return Err(out_of_order("must be start in the first message")),
            _ => {
                return Err(out_of_order(
                    "must be chunk or finish after the first message",
                ));
            }
        }
        Ok(())
    }
}

fn out_of_order(reason: &str) -> Error {
    Violation {
        field: "message".to_owned(),
        reason: reason.to_owned(),
    }
    .into()
}
