//! A running server with the service [`Acts`].

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use mailing_groups::server::{self, Limits, Shutdown};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Channel};

use super::{acts::Acts, raw::Client};
use crate::support::{
    serve::{self, bind, serve_ports, with_web},
    within,
};

pub(crate) const CONTACTS: &str = "mailinggroups.v1.Contacts";

pub(crate) struct Server {
    pub address: SocketAddr,
    /// Where browsers and curl call.
    pub web: SocketAddr,
    pub ready: Arc<AtomicBool>,
    pub shutdown: CancellationToken,
    pub started: UnboundedReceiver<Instant>,
    pub dropped: UnboundedReceiver<Instant>,
    running: JoinHandle<Result<Shutdown, server::Error>>,
}

impl Server {
    pub(crate) async fn start(limits: Limits) -> Self {
        Self::with(limits, true).await
    }

    /// A server that is not ready.
    pub(crate) async fn start_unready() -> Self {
        Self::with(Limits::default(), false).await
    }

    /// A client with a connection of its own.
    pub(crate) async fn client(&self) -> Client {
        within(Client::connect(self.address))
            .await
            .expect("connected")
    }

    async fn with(limits: Limits, ready: bool) -> Self {
        let (listener, address) = bind();
        let (ports, web) = with_web(listener);
        let shutdown = CancellationToken::new();
        let ready = Arc::new(AtomicBool::new(ready));
        let (tell_started, started) = unbounded_channel();
        let (tell_dropped, dropped) = unbounded_channel();
        let acts = Acts {
            started: tell_started,
            dropped: tell_dropped,
            shutdown: shutdown.clone(),
        };
        let readiness = Arc::clone(&ready);
        let is_ready = move || {
            let ready = readiness.load(Ordering::SeqCst);
            std::future::ready(ready.then_some(()).ok_or(fmt::Error))
        };
        let routes = Routes::new(acts.service());
        let stop = shutdown.clone();
        let running = serve_ports(ports, routes, &[CONTACTS], is_ready, limits, stop);
        Self {
            address,
            web,
            ready,
            shutdown,
            started,
            dropped,
            running,
        }
    }

    pub(crate) fn channel(&self) -> Channel {
        serve::channel(self.address)
    }

    /// Waits until a handler hangs.
    pub(crate) async fn handler_started(&mut self) -> Instant {
        within(self.started.recv()).await.expect("the server runs")
    }

    /// Waits until a hanging handler has been dropped.
    pub(crate) async fn handler_dropped(&mut self) -> Instant {
        within(self.dropped.recv()).await.expect("the server runs")
    }

    /// Waits until the server has ended.
    pub(crate) async fn ended(self) -> Shutdown {
        let ended = within(self.running).await.expect("no panic");
        ended.expect("no failure")
    }
}
