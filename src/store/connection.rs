//! A pooled connection that is not reused while a statement of its last user still runs.

use std::ops::{Deref, DerefMut};

use diesel_async::{AsyncPgConnection, pooled_connection::deadpool::Object};

use super::tls::Connector;

/// A connection taken from the pool.
///
/// [`Connection::return_to_pool`] returns it. A connection that is dropped before, because a caller
/// hung up or a deadline passed, may have a running statement or an open transaction: the statement
/// is cancelled and the connection closed, which frees its locks within milliseconds.
pub(crate) struct Connection {
    object: Option<Object<AsyncPgConnection>>,
    connector: Connector,
}

impl Connection {
    pub(super) fn new(object: Object<AsyncPgConnection>, connector: Connector) -> Self {
        Self {
            object: Some(object),
            connector,
        }
    }

    /// Returns the connection: no statement is running and no transaction is open.
    pub(crate) fn return_to_pool(mut self) {
        self.object = None;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else {
            return;
        };
        let connection = Object::take(object);
        let connector = self.connector.clone();
        tokio::spawn(async move {
            // If the request to cancel fails, the connection is closed all the same.
            let _ = connector.cancel(&connection.cancel_token()).await;
            drop(connection);
        });
    }
}

impl Deref for Connection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        self.object.as_ref().expect("present until released")
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.object.as_mut().expect("present until released")
    }
}
