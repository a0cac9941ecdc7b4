//! What the errors of queries mean.

use diesel::result::{DatabaseErrorKind, Error};

/// Whether the error is known to be transient: the connection is closed, or the server is read-only
/// or could not serialize. Diesel drops the SQLSTATE of other errors; see [`super::SqlState`].
pub(crate) fn is_transient(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::ReadOnlyTransaction,
            _,
        ) | Error::BrokenTransactionManager
    )
}

/// Whether a unique constraint is violated.
pub(crate) fn is_unique_violation(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)
    )
}
