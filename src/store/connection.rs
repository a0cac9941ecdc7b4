//! A pooled connection that is never handed on while something of its last user still runs.

use std::ops::{Deref, DerefMut};

use diesel_async::{AsyncPgConnection, pooled_connection::deadpool::Object};

use super::tls::Connector;

/// A connection taken from the pool.
///
/// It goes back only when its user says so with [`Connection::release`]. A user who vanishes
/// first, because a caller hung up or a deadline passed, leaves a statement running or a
/// transaction open: then the statement is cancelled and the connection closed, which frees its
/// locks within milliseconds.
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

    /// Gives the connection back: nothing runs on it and no transaction is open.
    pub(crate) fn release(mut self) {
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
            // If it cannot be asked to cancel, closing is all that can be done.
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
