//! Errors of the layers below, as errors of operations.

use tokio::task::JoinError;

use super::{BrokenRule, Error};
use crate::store::{self, QueryError, Unavailable};

impl From<Unavailable> for Error {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<JoinError> for Error {
    /// The tasks that a call waits for are cancelled only by the end of the program.
    fn from(error: JoinError) -> Self {
        match error.is_cancelled() {
            true => Self::ShuttingDown,
            false => Self::Internal(error.into()),
        }
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        match store::is_transient(&error) {
            true => Self::Unavailable(error.into()),
            false => Self::Internal(error.into()),
        }
    }
}

impl From<BrokenRule> for Error {
    fn from(rule: BrokenRule) -> Self {
        Self::BrokenRule(rule)
    }
}
