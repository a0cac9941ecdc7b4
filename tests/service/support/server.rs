//! A server on a port of its own.

use std::{net::SocketAddr, time::Duration};

use mailing_groups::{
    api,
    domain::{Domain, Index},
    server::{self, Drained, Limits},
    store::{self, Store},
};
use tokio::{net::TcpListener, sync::OnceCell, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{cluster::runtime, database};

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) database_url: String,
    pub(crate) shutdown: CancellationToken,
    pub(crate) ended: JoinHandle<Result<Drained, server::Error>>,
}

impl Server {
    /// The server that tests share.
    pub(crate) async fn shared() -> &'static Server {
        static SHARED: OnceCell<Server> = OnceCell::const_new();
        SHARED.get_or_init(Server::start).await
    }

    /// A server of one's own, on a database of its own.
    pub(crate) async fn start() -> Server {
        let url = database().await;
        Server::on(&url, Limits::default()).await
    }

    /// A server of one's own on this database, which is migrated.
    pub(crate) async fn on(database_url: &str, limits: Limits) -> Server {
        let url = database_url.to_owned();
        runtime()
            .spawn(async move { store::migrate(&url).await })
            .await
            .unwrap()
            .unwrap();
        Server::start_unmigrated(database_url, database_url, limits).await
    }

    /// A server that reaches its database by `url`.
    pub(crate) async fn start_unmigrated(url: &str, database_url: &str, limits: Limits) -> Server {
        let store = Store::new(url, 8, Duration::from_secs(2)).unwrap();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let (tell, address) = tokio::sync::oneshot::channel();
        let ended = runtime().spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let domain = Domain::new(store, Index::new(64 << 20, 4));
            let routes = api::routes(domain.clone(), stop.clone(), limits.max_message_bytes);
            let ready = move || {
                let domain = domain.clone();
                async move { domain.is_ready().await }
            };
            server::serve(listener, routes, &api::SERVICES, ready, limits, stop).await
        });
        Server {
            address: address.await.unwrap(),
            database_url: database_url.to_owned(),
            shutdown,
            ended,
        }
    }
}
