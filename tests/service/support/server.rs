//! A server on a port of its own.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use mailing_groups::{
    api,
    domain::{Domain, SetCache, UnknownTenants},
    server::{Limits, Settings},
    store::{self, Store},
};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::{
    cluster::runtime,
    database,
    serve::{self, bind, serve_ports, with_web},
    wait::PATIENCE,
};

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Where browsers and curl call.
    pub(crate) web: SocketAddr,
    pub(crate) database_url: String,
    pub(crate) shutdown: CancellationToken,
}

impl Server {
    /// The server that tests share.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<Server> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// A dedicated server on a dedicated database.
    pub(crate) async fn start() -> Self {
        let url = database().await;
        Self::on(&url, Limits::default()).await
    }

    /// A dedicated server on this database, which it migrates.
    pub(crate) async fn on(database_url: &str, limits: Limits) -> Self {
        migrate(database_url).await;
        Self::via(database_url, database_url, Pool::default(), limits).await
    }

    /// A dedicated server that refuses calls for tenants that do not exist.
    pub(crate) async fn with_explicit_tenants() -> Self {
        let url = database().await;
        migrate(&url).await;
        let (pool, limits) = (Pool::default(), Limits::default());
        Self::run(&url, &url, pool, limits, UnknownTenants::Refused)
    }

    /// A server that reaches its database, which is migrated already, by `url`.
    pub(crate) async fn via(url: &str, database_url: &str, pool: Pool, limits: Limits) -> Self {
        Self::run(url, database_url, pool, limits, UnknownTenants::Empty)
    }

    /// A dedicated server on a dedicated database.
    pub(crate) async fn with(settings: Settings) -> Self {
        let url = database().await;
        migrate(&url).await;
        Self::run(&url, &url, Pool::default(), settings, UnknownTenants::Empty)
    }

    /// A dedicated server on this database, which is migrated already, and on its standby.
    pub(crate) fn with_replica(database_url: &str, replica_url: &str) -> Self {
        let store = Pool::default()
            .store(database_url)
            .with_replica(replica_url);
        let limits = Limits::default();
        Self::serve(store.unwrap(), database_url, limits, UnknownTenants::Empty)
    }

    fn run(
        url: &str,
        database_url: &str,
        pool: Pool,
        settings: impl Into<Settings>,
        unknown_tenants: UnknownTenants,
    ) -> Self {
        Self::serve(pool.store(url), database_url, settings, unknown_tenants)
    }

    fn serve(
        store: Store,
        database_url: &str,
        settings: impl Into<Settings>,
        unknown_tenants: UnknownTenants,
    ) -> Self {
        // What the server starts belongs to the runtime that outlives the test.
        let _context = runtime().enter();
        let (listener, address) = bind();
        let (ports, web) = with_web(listener);
        let shutdown = CancellationToken::new();
        let domain = Domain::new(store, SetCache::new(64 << 20, 4));
        let domain = domain.with_unknown_tenants(unknown_tenants);
        let settings = settings.into();
        let max_message_bytes = settings.limits.max_message_bytes;
        let rates = Arc::clone(&settings.limits.rates);
        tokio::spawn(api::rates::follow(domain.clone(), rates, shutdown.clone()));
        let routes = api::routes(domain.clone(), shutdown.clone(), max_message_bytes);
        let ready = move || {
            let domain = domain.clone();
            async move { domain.ready().await }
        };
        let services = &api::SERVICES;
        serve_ports(ports, routes, services, ready, settings, shutdown.clone());
        Self {
            address,
            web,
            database_url: database_url.to_owned(),
            shutdown,
        }
    }

    /// A channel to it.
    pub(crate) async fn channel(&self) -> Channel {
        serve::channel(self.address)
    }

    /// A channel to it with the smallest flow-control windows of HTTP/2, so that a slow reader soon
    /// blocks the server.
    pub(crate) async fn narrow_channel(&self) -> Channel {
        let endpoint = serve::endpoint(self.address)
            .initial_stream_window_size(65_535)
            .initial_connection_window_size(65_535);
        endpoint.connect().await.unwrap()
    }
}

/// Brings a database up to date.
pub(crate) async fn migrate(database_url: &str) {
    let url = database_url.to_owned();
    let migrate = async move { store::migrate(&url, PATIENCE).await };
    runtime().spawn(migrate).await.unwrap().unwrap();
}

/// How a server reaches its database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pool {
    pub(crate) connections: usize,
    pub(crate) wait: Duration,
}

impl Pool {
    fn store(self, url: &str) -> Store {
        Store::new(url, self.connections, self.wait).unwrap()
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            connections: 8,
            // Long: on a busy machine it takes seconds to make a connection.
            wait: Duration::from_secs(30),
        }
    }
}
