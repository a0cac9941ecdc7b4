//! Whether a fault of several items done together can be one item's.

use super::{Error, Resource, Source};

/// A cause that lies in what is written, not in the state of the database.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct InData(Source);

impl Error {
    /// A fault that lies in what is written, such as a violated constraint.
    pub(in crate::domain) fn in_data(cause: impl Into<Source>) -> Self {
        Self::Internal(InData(cause.into()).into())
    }

    /// Whether one of several items can have caused it, so that the others may succeed without it.
    pub(in crate::domain) fn is_of_an_item(&self) -> bool {
        match self {
            Self::Internal(cause) => cause.is::<InData>(),
            Self::Unavailable(_)
            | Self::DatabaseFull(_)
            | Self::CommitOutcomeUnknown { .. }
            | Self::HistoryReplaced
            | Self::Contended
            | Self::Overloaded
            | Self::ShuttingDown => false,
            Self::NotFound { resource, .. } => *resource != Resource::Tenant,
            Self::Invalid(_)
            | Self::DeletedSince(_)
            | Self::BrokenRule(_)
            | Self::Selection(_)
            | Self::InvalidStart(_)
            | Self::UnknownContacts(_)
            | Self::AlreadyExists { .. }
            | Self::FormerName { .. }
            | Self::Precondition(_)
            | Self::Stale { .. }
            | Self::ImportOvertaken(_)
            | Self::HistoryPruned { .. }
            | Self::NumbersExhausted(_)
            | Self::LimitReached { .. } => true,
        }
    }
}
