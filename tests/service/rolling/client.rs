//! A client as gRPC's are without a retry policy: it balances calls over its connections, and makes a
//! call again only if HTTP/2 says that no server has handled it.

use std::net::SocketAddr;

use h2::{Reason, client::Builder};
use prost::Message;
use tokio::net::TcpStream;
use tonic::Status;

use crate::wire::raw::Client;

/// A connection to each server, as far as there is one.
pub(super) struct Balanced {
    servers: Vec<(SocketAddr, Option<Client>)>,
    next: usize,
}

impl Balanced {
    pub(super) fn new(servers: &[SocketAddr], first: usize) -> Self {
        Self {
            servers: servers.iter().map(|address| (*address, None)).collect(),
            next: first,
        }
    }

    /// Makes a call.
    pub(super) async fn call(&mut self, path: &str, message: impl Message + Clone) -> Status {
        loop {
            self.next += 1;
            let at = self.next % self.servers.len();
            let (address, connection) = &mut self.servers[at];
            if connection.is_none() {
                *connection = connect(*address).await;
            }
            let Some(client) = connection else {
                continue;
            };
            // An error before the call is sent: the connection takes no more calls.
            let Ok(call) = client.open(path, &[]).await else {
                *connection = None;
                continue;
            };
            match call.finish(message.clone()).await {
                Ok(answer) => return answer.status,
                Err(error) if is_unhandled(&error) => *connection = None,
                Err(error) => panic!("a call was lost: {error:?}"),
            }
        }
    }
}

/// `None` if the server takes no connection, or ends it before a call can be sent.
async fn connect(address: SocketAddr) -> Option<Client> {
    let stream = TcpStream::connect(address).await.ok()?;
    Client::over(stream, &Builder::new()).await.ok()
}

/// Whether the server says that it has not handled the call.
fn is_unhandled(error: &h2::Error) -> bool {
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    refused || error.is_go_away() && error.is_remote() && error.reason() == Some(Reason::NO_ERROR)
}
