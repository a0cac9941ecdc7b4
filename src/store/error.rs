//! What the errors of queries and of connecting mean.

use std::{error::Error as Cause, io, iter::successors};

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

/// Why no connection to the database was made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server did not answer.
    #[error("timed out")]
    TimedOut,
    /// The Unix socket cannot be used.
    #[error("cannot connect to the socket: {0}")]
    Socket(io::Error),
    /// The driver's error.
    #[error("{}", describe(.0))]
    Driver(tokio_postgres::Error),
    /// The server is a standby, or not one.
    #[error("the server {}", if *.0 { "allows no writes" } else { "is not read-only" })]
    ReadOnly(bool),
}

impl ConnectError {
    /// Whether trying again cannot help: the server answered and refused for a reason that does
    /// not pass (by its SQLSTATE), or the URL lacks something. A server that is not reachable,
    /// is starting or stopping, or has no free connection is only away.
    pub fn is_permanent(&self) -> bool {
        /// Connection exceptions, insufficient resources, operator intervention (which includes
        /// `cannot_connect_now`).
        const TRANSIENT_CLASSES: [&str; 3] = ["08", "53", "57"];
        let Self::Driver(error) = self else {
            return false;
        };
        match error.code() {
            Some(state) => !TRANSIENT_CLASSES.contains(&&state.code()[..2]),
            None => {
                let mut causes = successors(Some(error as &dyn Cause), |error| (*error).source());
                !error.is_closed() && !causes.any(<dyn Cause>::is::<io::Error>)
            }
        }
    }
}

/// The driver's error gives the kind, its cause the rest.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
