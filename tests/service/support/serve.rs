//! A server on a port, in this process.

use std::net::{SocketAddr, TcpListener};

use http::HeaderValue;
use mailing_groups::server::{self, Listener, Ports, Settings, Shutdown, WebPort};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Channel, Endpoint},
};

/// The origin of the pages that may call servers.
pub(crate) const ORIGIN: &str = "https://crm.example.com";

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
    let ports = Ports::from(listening(listener));
    serve_ports(ports, routes, services, ready, settings, shutdown)
}

/// Besides a port for gRPC one for browsers and curl, and its address.
pub(crate) fn with_web(listener: TcpListener) -> (Ports, SocketAddr) {
    let (web, address) = bind();
    let web = WebPort {
        listener: listening(web),
        origins: vec![HeaderValue::from_static(ORIGIN)],
        any_host: false,
    };
    let ports = Ports {
        grpc: listening(listener),
        web: Some(web),
    };
    (ports, address)
}

fn listening(listener: TcpListener) -> Listener {
    tokio::net::TcpListener::from_std(listener).unwrap().into()
}

/// As [`serve`], on several ports.
pub(crate) fn serve_ports<R, F, E>(
    ports: Ports,
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
    tokio::spawn(server::serve(
        ports,
        routes,
        services,
        ready,
        |_| (),
        settings,
        shutdown,
    ))
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
