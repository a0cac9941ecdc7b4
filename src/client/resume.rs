//! Reads a stream to its summary, over as many connections as it takes.

use std::time::Duration;

use tonic::{Code, Status, Streaming};

use super::{error::Error, retry::Retry, terminal};

/// A page with every field at its longest fits.
pub(super) const LARGEST_MESSAGE: usize = 64 << 20;

/// A stream that can be resumed.
pub(super) trait Resumable {
    type Response;
    /// The last message.
    type Summary;

    /// After this long without a message the stream counts as broken. The service sends a
    /// heartbeat every 15 seconds; here three are missing.
    const SILENCE: Duration = Duration::from_secs(50);

    /// Opens the stream at the current position.
    async fn open(&mut self) -> Result<Streaming<Self::Response>, Error>;

    async fn handle(&mut self, response: Self::Response) -> Result<Step<Self::Summary>, Error>;

    /// Discards what is incomplete.
    async fn before_reopen(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Whether the consumer of what is read has stopped.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// What has been read, for messages.
    fn position(&self) -> String;
}

/// What a message means for the stream.
pub(super) enum Step<S> {
    /// The stream is alive.
    Continue,
    /// A resumed stream would start later than before.
    Progress,
    Done(S),
}

/// Reads a stream to its summary. Also returns how often it was reopened.
pub(super) async fn read<R: Resumable>(
    stream: &mut R,
    retry: &mut Retry,
) -> Result<(R::Summary, i64), Error> {
    let mut attempts = 0;
    loop {
        let mut progress = false;
        match read_once(stream, retry, &mut progress).await {
            Ok(summary) => return Ok((summary, attempts)),
            Err(_) if stream.is_cancelled() => return Err(Error::UnexpectedEnd),
            Err(Error::Call(status)) if progress && retry.resumes() && ends_in_order(&status) => {}
            Err(cause) => retry.wait(cause, &stream.position()).await?,
        }
        attempts += 1;
        stream.before_reopen().await?;
    }
}

/// The service limits the age of every stream, and ends it when the token expires, which may be a new
/// one by now.
fn ends_in_order(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::DeadlineExceeded | Code::Unauthenticated
    )
}

/// Reads over one connection.
async fn read_once<R: Resumable>(
    stream: &mut R,
    retry: &mut Retry,
    progress: &mut bool,
) -> Result<R::Summary, Error> {
    let mut messages = stream.open().await?;
    loop {
        let message = tokio::time::timeout(R::SILENCE, messages.message()).await;
        let response = message.map_err(|_| Error::Stalled(R::SILENCE))??;
        match stream.handle(response.ok_or(Error::UnexpectedEnd)?).await? {
            Step::Continue => {}
            Step::Progress => {
                *progress = true;
                retry.reset();
            }
            Step::Done(summary) => return Ok(summary),
        }
    }
}

/// Reports how a stream was read: rows deleted while its last part was read, what was written in
/// how many attempts, and whether the parts are of different revisions.
pub(super) fn report(deleted: i64, written: &str, attempts: i64, revision_moved: bool) {
    if deleted > 0 {
        terminal::message(&format!("{deleted} deleted in the meantime and left out"));
    }
    if attempts > 0 {
        let attempts = terminal::pluralize(attempts, "attempt", "attempts");
        terminal::message(&format!("resumed in {attempts}; {written} written in all"));
    }
    if revision_moved {
        terminal::message(
            "note: data changed between the parts; the later part is that of the revision above",
        );
    }
}
