//! Why a command failed, in words for the person who typed it.

mod status;
mod transport;

use std::{error::Error as _, io, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt;

pub(super) use self::status::reason;
use crate::duration::human;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// No connection could be made.
    #[error("{}", transport::unreachable(endpoint, source))]
    Unreachable {
        endpoint: String,
        source: tonic::transport::Error,
    },
    /// The service answered with an error, or the connection broke.
    #[error("{}", status::describe(.0))]
    Call(Box<Status>),
    /// A stream ended before its last message.
    #[error("the service ended the stream before its summary")]
    UnexpectedEnd,
    /// A stream sent nothing for too long.
    #[error("the service sent nothing for {}", human(*.0))]
    Stalled(Duration),
    /// The service sent what the protocol does not allow.
    #[error("the service violated the protocol: {0}")]
    Protocol(String),
    /// An operation on a file failed.
    #[error("cannot {action} {name}: {source}")]
    File {
        action: &'static str,
        name: String,
        source: io::Error,
    },
    /// A file is not what the command needs.
    #[error("{0}")]
    Input(String),
    /// The command line is wrong in a way that its parser does not see.
    #[error("{0}")]
    Usage(String),
    /// The reader of stdout has closed it, as `head` does. Not a failure.
    #[error("output closed; stopping")]
    OutputClosed,
    /// Items that were acknowledged are not committed any more.
    #[error(
        "the service has lost {} of this import that it had acknowledged: a backup of its database \
         was restored, or a standby took over", rows(*.0)
    )]
    LostRows(u64),
    /// An import stopped before its end.
    #[error(
        "{cause}\n{} known to be committed. Running the same command again is safe: rows that are \
         already done are left unchanged", rows(*.committed)
    )]
    ImportAborted { committed: u64, cause: Box<Self> },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// Resuming was given up.
    #[error("{cause}\ngave up after {} without progress (--retry-for)", human(*.after))]
    RetriesExhausted { after: Duration, cause: Box<Self> },
}

impl Error {
    /// The innermost cause of an error: the one that says what happened.
    pub(super) fn root(error: &(dyn std::error::Error + 'static)) -> String {
        transport::root(error)
    }

    pub(super) fn file(action: &'static str, name: impl ToString, source: io::Error) -> Self {
        let name = name.to_string();
        Self::File {
            action,
            name,
            source,
        }
    }

    /// A failure to write, or the end of the output if its reader has closed it.
    pub(super) fn write(name: impl ToString, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::file("write", name, source),
        }
    }

    /// Whether the same call may succeed a little later: the connection broke, the service is
    /// unavailable, or its answer says when to try again.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::UnexpectedEnd | Self::Stalled(_) => true,
            Self::Call(status) => {
                // Only a status made on this side has a source: the transport's error.
                status.source().is_some()
                    || status.code() == Code::Unavailable
                    || self.retry_delay().is_some()
            }
            Self::Unreachable { .. }
            | Self::Protocol(_)
            | Self::File { .. }
            | Self::Input(_)
            | Self::Usage(_)
            | Self::OutputClosed
            | Self::LostRows(_)
            | Self::ImportAborted { .. }
            | Self::Interrupted
            | Self::RetriesExhausted { .. } => false,
        }
    }

    /// Whether the user interrupted the command.
    pub(super) fn is_interrupt(&self) -> bool {
        match self {
            Self::ImportAborted { cause, .. } => cause.is_interrupt(),
            _ => matches!(self, Self::Interrupted),
        }
    }

    /// The exit code of the command, like clap's for a wrong command line and a shell's for Ctrl-C.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ if self.is_interrupt() => 130,
            _ => 1,
        }
    }

    /// The delay of the service's `RetryInfo`.
    pub(super) fn retry_delay(&self) -> Option<Duration> {
        let Self::Call(status) = self else {
            return None;
        };
        status.get_details_retry_info()?.retry_delay
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Call(Box::new(status))
    }
}

fn rows(number: u64) -> String {
    match number {
        1 => "1 row is".to_owned(),
        _ => format!("{number} rows are"),
    }
}
