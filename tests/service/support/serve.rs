//! A server on a port, in this process.

use std::net::{SocketAddr, TcpListener};

use mailing_groups::server::{self, Settings, Shutdown};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Channel, Endpoint},
};

/// A free port of this computer, and its address. Any runtime can serve it.
pub(crate) fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Runs [`server::serve`] as a task of the current runtime.
pub(crate) fn serve<R, F, E>(
    listener: TcpListener,
    routes: Routes,
    services: &'static [&'static str],
    ready: R,
    settings: impl Into<Settings> + Send + 'static,
    shutdown: CancellationToken,
) -> JoinHandle<Result<Shutdown, server::Error>>
where
    R: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: std::error::Error + 'static,
{
    tokio::spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        server::serve(
            listener,
            routes,
            services,
            ready,
            |_| (),
            settings,
            shutdown,
        )
        .await
    })
}

/// The endpoint of a server.
pub(crate) fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}")).unwrap()
}

/// A channel to a server. It connects with the first call, so that a server that has stopped
/// meanwhile fails that call.
pub(crate) fn channel(address: SocketAddr) -> Channel {
    endpoint(address).connect_lazy()
}
