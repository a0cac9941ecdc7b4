//! Reads a stream to its summary, over as many connections as it takes.

use std::time::Duration;

use tonic::{Code, Streaming};

use super::{error::Error, retry::Retry, terminal};

/// The service sends a heartbeat every 15 seconds; three missed ones are a broken stream.
const SILENCE: Duration = Duration::from_secs(50);
/// A page with every field at its longest fits.
pub(super) const LARGEST_MESSAGE: usize = 64 << 20;

/// A stream that can be resumed.
pub(super) trait Resumable {
    /// What comes.
    type Response;
    /// What comes last.
    type Summary;

    /// Opens the stream, for what was not read yet.
    async fn open(&mut self) -> Result<Streaming<Self::Response>, Error>;

    /// Takes what came.
    async fn take(&mut self, response: Self::Response) -> Result<Step<Self::Summary>, Error>;

    /// Gets ready to be opened again.
    async fn before_reopen(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Whether nobody wants to have the rest.
    fn is_cancelled(&self) -> bool;

    /// How much was read, for people.
    fn done(&self) -> String;
}

/// What a message of a stream means.
pub(super) enum Step<S> {
    /// The stream goes on.
    Continue,
    /// Something new was read.
    Progress,
    /// That was all.
    Done(S),
}

/// Reads a stream to its summary. Also answers how often it was tried to open it again.
pub(super) async fn read<R: Resumable>(
    stream: &mut R,
    retry: &mut Retry,
) -> Result<(R::Summary, i64), Error> {
    let mut attempts = 0;
    loop {
        let mut progress = false;
        match part(stream, retry, &mut progress).await {
            Ok(summary) => return Ok((summary, attempts)),
            Err(_) if stream.is_cancelled() => return Err(Error::UnexpectedEnd),
            // The service lets no stream go on for ever.
            Err(Error::Call(status)) if progress && status.code() == Code::DeadlineExceeded => {}
            Err(cause) => retry.wait(cause, &stream.done()).await?,
        }
        attempts += 1;
        stream.before_reopen().await?;
    }
}

/// Reads one stream as far as it goes.
async fn part<R: Resumable>(
    stream: &mut R,
    retry: &mut Retry,
    progress: &mut bool,
) -> Result<R::Summary, Error> {
    let mut messages = stream.open().await?;
    loop {
        let message = tokio::time::timeout(SILENCE, messages.message()).await;
        let response = message.map_err(|_| Error::Stalled(SILENCE))??;
        match stream.take(response.ok_or(Error::UnexpectedEnd)?).await? {
            Step::Continue => {}
            Step::Progress => {
                *progress = true;
                retry.reset();
            }
            Step::Done(summary) => return Ok(summary),
        }
    }
}

/// Says what is to be said of a stream that was read to its end: how many were deleted while its
/// last part was read, what was written in how many attempts, and whether the parts differ.
pub(super) fn report(deleted: i64, written: &str, attempts: i64, moved: bool) {
    if deleted > 0 {
        terminal::message(&format!("{deleted} deleted meanwhile and left out"));
    }
    if attempts > 0 {
        let attempts = terminal::pluralize(attempts, "attempt", "attempts");
        terminal::message(&format!("resumed in {attempts}; {written} written in all"));
    }
    if moved {
        terminal::message(
            "note: data changed between the parts; the later part is that of the revision above",
        );
    }
}
