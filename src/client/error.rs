//! Why a command failed, worded for the person who typed it.

mod status;

use std::{error::Error as _, io, time::Duration};

pub(super) use status::reason;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::duration::human;

/// A failure that ends a command with exit code 1.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// No connection came about.
    #[error("{}", status::unreachable(endpoint, source))]
    Unreachable {
        endpoint: String,
        source: tonic::transport::Error,
    },
    /// The service refused, or the connection broke.
    #[error("{}", status::describe(.0))]
    Call(Box<Status>),
    /// A stream ended before its last message.
    #[error("the service ended the stream before its summary")]
    UnexpectedEnd,
    /// A stream sent nothing for too long.
    #[error("the service sent nothing for {}", human(*.0))]
    Stalled(Duration),
    /// The service answered what the protocol does not allow.
    #[error("the service does not keep to the protocol: {0}")]
    Protocol(String),
    /// A file could not be used.
    #[error("cannot {action} {name}: {source}")]
    File {
        action: &'static str,
        name: String,
        source: io::Error,
    },
    /// A file is not what the command needs.
    #[error("{0}")]
    Input(String),
    /// An import stopped on its way.
    #[error(
        "{cause}\n{} known to be committed. Running the same command again is safe: what is in \
         already is left as it is", rows(*.committed)
    )]
    ImportAborted { committed: u64, cause: Box<Self> },
    /// Resuming did not help.
    #[error("{cause}\ngave up after {} without progress (--retry-for)", human(*.after))]
    RetriesExhausted { after: Duration, cause: Box<Self> },
}

impl Error {
    pub(super) fn file(action: &'static str, name: impl ToString, source: io::Error) -> Self {
        let name = name.to_string();
        Self::File {
            action,
            name,
            source,
        }
    }

    /// Whether the same call may succeed a little later: the connection broke, the service is
    /// away for a moment, or it says itself when to try again.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::UnexpectedEnd | Self::Stalled(_) => true,
            Self::Call(status) => {
                // Only a status made on this side has a source: the transport's error.
                status.source().is_some()
                    || status.code() == Code::Unavailable
                    || self.retry_delay().is_some()
            }
            _ => false,
        }
    }

    /// How long the service asks to be left alone.
    pub(super) fn retry_delay(&self) -> Option<Duration> {
        match self {
            Self::Call(status) => status.get_details_retry_info()?.retry_delay,
            _ => None,
        }
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
