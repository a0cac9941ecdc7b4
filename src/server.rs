//! The gRPC server: accepts connections, runs the middleware around every call, drains on shutdown.
//!
//! [`serve`] adds to the services of the api what clients expect of a gRPC server: health,
//! reflection, deadlines that hold, errors with details, limits, and a shutdown that ends. What
//! tonic does not do by itself is in the modules here, one concern each.

// Connections.
mod connections;

mod connection;
mod handshakes;
mod http2;
mod listener;
mod port;
mod tls;

// Calls.
mod calls;

mod admission;
mod authentication;
mod call_metrics;
mod connect;
mod pushback;

mod body;
mod request_body;

mod deadline;
mod errors;
mod log;
mod methods;

// What surrounds them: probes, metrics, traces, the port for browsers.
mod health;
pub mod http;
mod reflection;
mod tenant_metrics;
mod trace;
mod web;

mod limits;
mod settings;
pub mod signal;

use std::{future::Future, sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tonic::service::Routes;

use self::{
    admission::Admission,
    calls::{CallService, Calls},
    connections::Connections,
    health::Readiness,
    methods::MethodTable,
    port::{HttpService, Port},
};
pub use self::{
    limits::Limits,
    listener::{Listener, Ports, WebPort},
    reflection::Reflection,
    settings::Settings,
    tenant_metrics::count_by_tenant,
    tls::{ClientAuthority, PeerCertificates, ServerTls, TlsFileError, TlsFiles},
};
use crate::api::status;

/// How long the final statuses may take to reach their callers after the drain has timed out.
const FORCE_CLOSE_GRACE: Duration = Duration::from_millis(500);

/// How the server stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Every call was completed and every connection closed.
    Clean,
    /// The drain timed out, with this much still open.
    Forced {
        /// Open connections.
        connections: usize,
        /// Open calls, except health checks and reflection. They ended with UNAVAILABLE.
        calls: usize,
    },
}

/// The server could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The descriptors compiled into the program cannot be read.
    #[error("the service descriptors cannot be read")]
    Descriptors(#[from] prost::DecodeError),
    /// An RPC does not say what its caller must be allowed to do.
    #[error("{0} has no option (mailinggroups.v1.access)")]
    NoAccess(String),
    /// Reflection does not accept them.
    #[error("the service descriptors cannot be served")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// Messages cannot be converted by them.
    #[error("the service descriptors cannot be used")]
    Schema(#[from] prost_reflect::DescriptorError),
}

/// Serves `routes`, with health and reflection added, on `ports` until `shutdown` is cancelled
/// and the open calls have ended or the drain has timed out.
///
/// `services` are the full names whose health is reported; they and the server as a whole are
/// SERVING while `ready` returns no error. It is checked twice a second and may take a second.
/// `changed` is called as soon as calls are accepted and the health is SERVING, and then with each change
/// of the health: with the reason if it is NOT_SERVING.
///
/// Long streams should watch `shutdown` and end by themselves. When it is cancelled the order is:
/// NOT_SERVING everywhere, no new connections, GOAWAY, the wait, and at its end UNAVAILABLE for every
/// call that is still open. Calls that a client sends before it has the final GOAWAY are handled.
///
/// # Errors
///
/// If the server cannot be set up. After that, no failure of a client or a call ends it.
pub async fn serve<R, F, E>(
    ports: impl Into<Ports>,
    routes: Routes,
    services: &[&'static str],
    ready: R,
    changed: impl FnMut(Option<&str>) + Send + 'static,
    settings: impl Into<Settings>,
    shutdown: CancellationToken,
) -> Result<Shutdown, Error>
where
    R: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: std::error::Error + 'static,
{
    let Settings {
        limits,
        authenticator,
        reflection,
    } = settings.into();
    let (draining, aborting) = (CancellationToken::new(), CancellationToken::new());
    let health = Readiness::new(services).await;
    let calls = Arc::new(Calls {
        routes: reflection::add_to(routes.add_service(health.server()), reflection)?.prepare(),
        methods: MethodTable::new(&reflection::DESCRIPTOR_SETS, reflection)?,
        authenticator,
        admission: Admission::new(&limits),
        limits: limits.clone(),
        draining: draining.clone(),
        aborting: aborting.clone(),
    });
    let Ports { grpc, web } = ports.into();
    let service = CallService(Arc::clone(&calls));
    let web = web
        .map(|it| web_port(it, &limits, service.clone()))
        .transpose()?;
    let grpc = Port::grpc(grpc, &limits, service);
    status::count_from_now();
    calls.admission.measure();
    let unhealthy = AbortOnDropHandle::new(tokio::spawn(health.follow(ready, changed, shutdown)));

    let mut connections = Connections::new(limits.clone(), draining.clone());
    // Following the health ends with the shutdown, after NOT_SERVING has been reported.
    connections.accept(grpc, web, unhealthy).await;
    draining.cancel();
    tracing::info!("draining: no new connections, waiting for the open calls");
    let drained = timeout(limits.drain_timeout, connections.closed()).await;
    if drained.is_ok() {
        return Ok(Shutdown::Clean);
    }
    let forced = Shutdown::Forced {
        connections: connections.count(),
        calls: calls.admission.open_calls(),
    };
    aborting.cancel();
    // Bounded: a caller that does not read must not delay the shutdown.
    let _ = timeout(FORCE_CLOSE_GRACE, connections.closed()).await;
    Ok(forced)
}

fn web_port(
    web: WebPort,
    limits: &Limits,
    service: CallService,
) -> Result<Port<impl HttpService>, Error> {
    let service = web::service(service, limits, web.origins, web.any_host)?;
    Ok(Port::web(web.listener, limits, service))
}
